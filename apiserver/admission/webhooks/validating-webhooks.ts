import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest, AdmissionRule } from '../admission.ts'
import { spokenOf, versionFor } from './invocation.ts'
import { wants } from './match-conditions.ts'
import { shownAs } from './shown-object.ts'
import type { Webhook } from './webhook.ts'
import { WebhookList } from './webhook-list.ts'
import { consult, isHidden, type Question, type WebhookTools } from './webhook-tools.ts'

/** ValidatingAdmissionWebhook: all webhooks see what is to be stored, at the same time; one no is enough. */
export function validatingWebhooks(tools: WebhookTools): AdmissionRule {
  const list = new WebhookList('ValidatingWebhookConfiguration', tools.table)
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request) {
      const webhooks = list.of(request.context.reader)
      return webhooks.length === 0 || isHidden(request, tools) ? undefined : askAll(webhooks, request, tools)
    },
  }
}

async function askAll(webhooks: readonly Webhook[], request: AdmissionRequest, tools: WebhookTools): Promise<void> {
  const { table, patience } = tools
  const texts = new Map<Resource, { object: string; oldObject: string }>()
  const end = request.context.clock.monotonic() + patience
  const questions: Question[] = []
  for (const webhook of webhooks) {
    const target = versionFor(webhook, request, table)
    if (!target || !(await wants(webhook, request, target, tools))) continue
    const versions = { spoken: spokenOf(request, table), target }
    const shown = texts.get(target) ?? {
      object: JSON.stringify(await shownAs(request, versions, request.object)),
      oldObject: JSON.stringify(await shownAs(request, versions, request.previous)),
    }
    texts.set(target, shown)
    questions.push({ webhook, content: { request, ...versions, ...shown }, type: 'validating', end })
  }
  const asked = questions.map((question) => consult(question, tools, () => undefined))
  // Of several refusals the first in the order of the webhooks is told, so that the same request is told the same.
  for (const answer of await Promise.allSettled(asked)) if (answer.status === 'rejected') throw answer.reason
}
