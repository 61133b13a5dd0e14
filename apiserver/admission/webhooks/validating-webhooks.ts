import type { AdmissionRequest, AdmissionRule } from '../admission.ts'
import { versionsWanted } from './match-conditions.ts'
import { ShownTexts } from './shown-texts.ts'
import type { Webhook } from './webhook.ts'
import { WebhookList } from './webhook-list.ts'
import { consult, type Question, type WebhookTools } from './webhook-tools.ts'

/** ValidatingAdmissionWebhook: all webhooks see what is to be stored, at the same time; one no is enough. */
export function validatingWebhooks(tools: WebhookTools): AdmissionRule {
  const list = new WebhookList('ValidatingWebhookConfiguration', tools)
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request) {
      const webhooks = list.of(request)
      return webhooks.length === 0 ? undefined : askAll(webhooks, request, tools)
    },
  }
}

async function askAll(webhooks: readonly Webhook[], request: AdmissionRequest, tools: WebhookTools): Promise<void> {
  const texts = new ShownTexts(request)
  const end = request.context.clock.monotonic() + tools.patience
  const questions: Question[] = []
  for (const [index, webhook] of webhooks.entries()) {
    const versions = await versionsWanted(webhook, request, tools)
    if (!versions) continue
    const content = { request, ...versions, ...(await texts.of(versions)) }
    questions.push({ webhook, content, type: 'validating', end, turn: { round: 0, index } })
  }
  const asked = questions.map((question) => consult(question, tools, () => undefined))
  // Of several refusals the first in the order of the webhooks is told, so that the same request is told the same.
  for (const answer of await Promise.allSettled(asked)) if (answer.status === 'rejected') throw answer.reason
}
