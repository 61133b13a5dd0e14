import type { AdmissionResponse } from '../../../shared/openapi/generated/admission-v1.ts'
import { readExactJson } from '../../../shared/text/exact-json.ts'
import { parseJson } from '../../http/body.ts'
import { jsonPatch } from '../../patch/json-patch.ts'
import type { AdmissionRequest, AdmissionRule, StrangersTurn } from '../admission.ts'
import { Reinvocation } from '../reinvocation.ts'
import { versionsWanted } from './match-conditions.ts'
import { takeBack, type Versions } from './shown-object.ts'
import { ShownTexts } from './shown-texts.ts'
import { internalError, WebhookFailure } from './verdict.ts'
import type { Webhook } from './webhook.ts'
import { noteMutation, notePatch, type Turn } from './webhook-annotations.ts'
import { WebhookList } from './webhook-list.ts'
import { consult, type Question, type WebhookTools } from './webhook-tools.ts'

type Asked = Pick<Question, 'webhook' | 'turn'>

/** MutatingAdmissionWebhook: webhooks change the object one after the other, each seeing what those before it made. */
export function mutatingWebhooks(tools: WebhookTools): AdmissionRule {
  const list = new WebhookList('MutatingWebhookConfiguration', tools)
  return {
    name: 'MutatingAdmissionWebhook',
    mutate(request) {
      const webhooks = list.of(request)
      return webhooks.length === 0 ? undefined : new MutatingRounds(webhooks, request, tools).first()
    },
  }
}

/**
 * The webhooks of one request. When one has changed the object, rules and webhooks that saw it before (and want to) see it once more; upstream's
 * two rounds, of which the second asks nobody for the first time.
 */
class MutatingRounds {
  readonly #webhooks: readonly Webhook[]
  readonly #request: AdmissionRequest
  readonly #tools: WebhookTools
  readonly #end: number
  readonly #reinvocation = new Reinvocation<Webhook>()
  readonly #texts: ShownTexts

  constructor(webhooks: readonly Webhook[], request: AdmissionRequest, tools: WebhookTools) {
    this.#webhooks = webhooks
    this.#request = request
    this.#tools = tools
    this.#texts = new ShownTexts(request)
    this.#end = request.context.clock.monotonic() + tools.patience
  }

  async first(): Promise<StrangersTurn> {
    let hasChanged = false
    for (const [index, webhook] of this.#webhooks.entries()) if (await this.#ask(webhook, { round: 0, index })) hasChanged = true
    this.#reinvocation.remember(this.#request.object)
    return { hasChanged, again: () => this.#second() }
  }

  async #second(): Promise<void> {
    if (this.#reinvocation.isOther(this.#request.object)) this.#objectChanged()
    for (const [index, webhook] of this.#webhooks.entries()) {
      if (this.#reinvocation.isDue(webhook)) await this.#ask(webhook, { round: 1, index })
    }
  }

  /** Whether it changed the object. */
  async #ask(webhook: Webhook, turn: Turn): Promise<boolean> {
    const versions = await versionsWanted(webhook, this.#request, this.#tools)
    if (!versions) return false
    const shown = await this.#texts.of(versions)
    const content = { request: this.#request, ...versions, ...shown }
    const question = { webhook, content, type: 'admit', end: this.#end, turn } as const
    let isChanged: boolean | undefined
    try {
      isChanged = await consult(question, this.#tools, (response) => this.#take(question, versions, shown.object, response))
    } finally {
      const { audit } = this.#request.context
      if (audit) noteMutation(audit, webhook, turn, isChanged === true)
    }
    if (isChanged) this.#objectChanged()
    if (webhook.isAskedAgain) this.#reinvocation.wish(webhook)
    return isChanged === true
  }

  #objectChanged(): void {
    this.#texts.objectChanged()
    this.#reinvocation.objectChanged()
  }

  async #take({ webhook, turn }: Asked, versions: Versions, object: string, { patch }: AdmissionResponse): Promise<boolean> {
    const { name } = webhook
    const operations = patch ? operationsOf(name, patch) : []
    if (operations.length === 0) return false
    if (!this.#request.object) {
      throw internalError(
        new Error(`admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`),
      )
    }
    try {
      await takeBack(this.#request, versions, jsonPatch(readExactJson(object), operations))
    } catch (error) {
      throw internalError(
        new Error(`the patch of admission webhook ${JSON.stringify(name)}: ${(error as Error).message}`, { cause: error }),
      )
    }
    const { audit } = this.#request.context
    if (audit) notePatch(audit, webhook, turn, operations)
    return true
  }
}

/** @throws WebhookFailure for what is no patch */
function operationsOf(webhook: string, patch: string): unknown[] {
  try {
    const { value } = parseJson(Buffer.from(patch, 'base64'), 'patch', true)
    if (Array.isArray(value)) return value
    throw new Error('a JSON patch is a list of operations')
  } catch (error) {
    throw new WebhookFailure(webhook, `received undecodable patch in webhook response: ${(error as Error).message}`, error)
  }
}
