import { CelError } from '../../../shared/cel/value.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { conditionsHold, Spending } from '../policies/evaluate.ts'
import { type RequestTools, requestValues } from '../policies/request-values.ts'
import { refusal } from '../refuse.ts'
import { spokenOf, versionFor } from './invocation.ts'
import type { Versions } from './shown-object.ts'
import type { Webhook } from './webhook.ts'

/**
 * The versions in which a webhook is asked about a request; undefined: its rules, selectors or conditions do not want it.
 * @throws StatusError Forbidden for a condition that cannot be evaluated and counts
 */
export async function versionsWanted(webhook: Webhook, request: AdmissionRequest, tools: RequestTools): Promise<Versions | undefined> {
  const target = versionFor(webhook, request, tools.table)
  if (!target || !(await wants(webhook, request, target, tools))) return undefined
  return { spoken: spokenOf(request, tools.table), target }
}

/**
 * Whether a webhook wants to see a request, whose objects it would see as `target`. One condition that says no is enough, whatever becomes of the
 * others; one that cannot be evaluated counts as the failure policy says.
 * @throws StatusError Forbidden where it counts as a failure
 */
async function wants(webhook: Webhook, request: AdmissionRequest, target: Resource, tools: RequestTools): Promise<boolean> {
  if (webhook.conditions.length === 0) return true
  const holds = conditionsHold(webhook.conditions, await requestValues(request, target, tools), new Spending())
  if (!(holds instanceof CelError)) return holds
  if (webhook.ignoresFailure) return false
  throw refusal(request, holds.message)
}
