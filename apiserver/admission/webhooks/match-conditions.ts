import type { MatchConditionProgram } from '../../../shared/cel/policy-programs.ts'
import { CelError } from '../../../shared/cel/value.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { conditionsHold, Spending } from '../policies/evaluate.ts'
import { type RequestTools, requestValues } from '../policies/request-values.ts'
import { refusal } from '../refuse.ts'

/** What of a webhook says by expressions which requests it wants to see. */
export interface Conditional {
  readonly conditions: readonly MatchConditionProgram[]
  readonly ignoresFailure: boolean
}

/**
 * Whether a webhook wants to see a request, whose objects it would see as `target`. One condition that says no is enough, whatever becomes of the
 * others; one that cannot be evaluated counts as the failure policy says.
 * @throws StatusError Forbidden where it counts as a failure
 */
export async function wants(webhook: Conditional, request: AdmissionRequest, target: Resource, tools: RequestTools): Promise<boolean> {
  if (webhook.conditions.length === 0) return true
  const holds = conditionsHold(webhook.conditions, await requestValues(request, target, tools), new Spending())
  if (!(holds instanceof CelError)) return holds
  if (webhook.ignoresFailure) return false
  throw refusal(request, holds.message)
}
