import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { PodDisruptionBudget } from '../../../shared/openapi/generated/policy-v1.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { numberOrPercentProblems } from '../workload/rolling-update.ts'

const unhealthyPolicies = ['AlwaysAllow', 'IfHealthyBudget']

/** How many pods must stay, or how many may go; not both. */
export function* budgetProblems({ spec }: PodDisruptionBudget): Generator<FieldProblem> {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    yield fieldProblem.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    const amount = spec[field]
    if (amount === undefined) continue
    const problems = [...numberOrPercentProblems(amount, `spec.${field}`)]
    yield* problems
    if (problems.length === 0 && typeof amount === 'string' && Number.parseInt(amount, 10) > 100) {
      yield fieldProblem.invalid(`spec.${field}`, amount, 'must not be greater than 100%')
    }
  }
  yield* labelSelectorProblems(spec.selector, 'spec.selector')
  const policy = spec.unhealthyPodEvictionPolicy
  if (policy !== undefined && !unhealthyPolicies.includes(policy)) {
    yield fieldProblem.notSupported('spec.unhealthyPodEvictionPolicy', policy, unhealthyPolicies)
  }
}

/** Counts of pods are not negative. */
export function* budgetStatusProblems({ status }: PodDisruptionBudget): Generator<FieldProblem> {
  for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) {
    if (status[field] < 0) yield fieldProblem.invalid(`status.${field}`, status[field], 'must be greater than or equal to 0')
  }
  const seen = new Set<string>()
  for (const [index, { type, status: value, reason }] of (status.conditions ?? []).entries()) {
    const path = `status.conditions[${index}]`
    if (type === '') yield fieldProblem.required(`${path}.type`)
    else if (seen.has(type)) yield fieldProblem.duplicate(`${path}.type`, type)
    seen.add(type)
    if (!['True', 'False', 'Unknown'].includes(value)) {
      yield fieldProblem.notSupported(`${path}.status`, value, ['False', 'True', 'Unknown'])
    }
    if (reason === '') yield fieldProblem.required(`${path}.reason`)
  }
}
