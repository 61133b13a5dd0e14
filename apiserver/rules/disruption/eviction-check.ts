import { StatusError } from '../../../shared/errors/status-error.ts'
import type { Pod } from '../../../shared/openapi/generated/core-v1.ts'
import type { PodDisruptionBudget } from '../../../shared/openapi/generated/policy-v1.ts'
import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import { SelectorError } from '../../../shared/selectors/selector-error.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { forbidden } from '../../authz/forbidden.ts'

/** More evictions than this that the controller has not seen yet: it is not at work. */
const MOST_UNSEEN = 2_000
const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
const budgets = { group: 'policy', resource: 'poddisruptionbudget' }

/** Nobody is disrupted by the end of a pod that has not begun, has finished, or is ending anyway. */
export function isBeyondBudgets({ metadata, status }: Pod): boolean {
  const { phase } = status
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || metadata.deletionTimestamp !== undefined
}

/** The budgets of a pod among those of its namespace. No selector selects nothing, an empty one everything. */
export function budgetsOf(pod: Pod, all: readonly PodDisruptionBudget[]): PodDisruptionBudget[] {
  return all.filter(({ spec }) => {
    if (!spec.selector) return false
    try {
      return labelSelectorFrom(spec.selector).matches(pod.metadata.labels)
    } catch (error) {
      // One that was stored by laxer rules selects nobody.
      if (error instanceof SelectorError) return false
      throw error
    }
  })
}

/** A pod that is not ready is not counted as healthy: its end takes nothing from the budget, if the budget's policy lets it go (KEP-3017). */
export function goesFreely({ status }: Pod, budget: PodDisruptionBudget): boolean {
  if (status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return false
  if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  return budget.status.currentHealthy >= budget.status.desiredHealthy && budget.status.desiredHealthy > 0
}

/**
 * Takes one disruption from the budget: edits its status in place. The controller counts the pod as gone from here on.
 * @throws StatusError TooManyRequests when there is none to take, Forbidden for a status that makes no sense
 */
export function takeDisruption(budget: PodDisruptionBudget, podName: string, now: number): void {
  const { metadata, status } = budget
  const { name = '' } = metadata
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw violation(`The disruption budget ${name} is still being processed by the server.`, 10)
  }
  if (status.disruptionsAllowed < 0) throw forbidden({ ...budgets, name }, 'pdb disruptions allowed is negative')
  if (Object.keys(status.disruptedPods ?? {}).length > MOST_UNSEEN) {
    throw forbidden({ ...budgets, name }, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  }
  if (status.disruptionsAllowed === 0) throw violation(need(budget))
  status.disruptionsAllowed--
  status.disruptedPods = { ...status.disruptedPods, [podName]: timestamp(now) }
  if (status.disruptionsAllowed > 0) return
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed')
  const known = status.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  const lastTransitionTime = known?.status === 'False' ? known.lastTransitionTime : timestamp(now)
  const condition = { type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '', lastTransitionTime }
  status.conditions = [...others, { ...condition, observedGeneration: metadata.generation }]
}

function need({ metadata, status }: PodDisruptionBudget): string {
  const failed = status.conditions?.find(({ type, reason }) => type === 'DisruptionAllowed' && reason === 'SyncFailed')
  if (failed) {
    return `The disruption budget ${metadata.name} does not allow evicting pods currently because it failed sync: ${failed.message}`
  }
  return `The disruption budget ${metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`
}

function violation(message: string, retryAfterSeconds?: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message }]
  return new StatusError('TooManyRequests', VIOLATES, {
    details: { causes, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) },
  })
}
