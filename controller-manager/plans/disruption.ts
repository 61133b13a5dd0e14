import { own } from '../../shared/objects/own.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { Condition } from '../../shared/openapi/generated/meta-v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../shared/openapi/generated/policy-v1.ts'
import { parseTimestamp, timestamp } from '../../shared/time/timestamp.ts'
import { isReady } from '../pods/pod-facts.ts'
import { podsOf } from './rolling-update.ts'

/** How long an evicted pod may take until it is marked as deleted, before it is counted again. */
export const DELETION_MILLISECONDS = 2 * 60_000

/** How many pods there should be, and how many of them must be healthy. */
export interface Expected {
  readonly pods: number
  readonly healthy: number
}

/** Whether the number of pods must be asked of those who control them: it is what a percentage, or the pods that may be away, are of. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === 'string'
}

/** Percentages are rounded up, on both sides. @param scale what the controllers of the pods ask for together, where it is needed */
export function expectedOf({ spec }: PodDisruptionBudget, podCount: number, scale: number): Expected {
  if (spec.maxUnavailable !== undefined) {
    return { pods: scale, healthy: Math.max(0, scale - podsOf(spec.maxUnavailable, scale, Math.ceil)) }
  }
  if (spec.minAvailable === undefined) return { pods: 0, healthy: 0 }
  if (typeof spec.minAvailable === 'number') return { pods: podCount, healthy: spec.minAvailable }
  return { pods: scale, healthy: podsOf(spec.minAvailable, scale, Math.ceil) }
}

export interface DisruptionPlan {
  readonly status: PodDisruptionBudgetStatus
  /** When an eviction that was not seen through will be given up, in milliseconds since the epoch. */
  readonly recheckAt: number | undefined
  /** Evicted, and not deleted in time. */
  readonly notDeleted: readonly Pod[]
}

/** What was observed of the budget's pods. Pure; `now` in milliseconds. */
export function planDisruption(budget: PodDisruptionBudget, pods: readonly Pod[], expected: Expected, now: number): DisruptionPlan {
  const disruptedPods: Record<string, string> = {}
  const notDeleted: Pod[] = []
  let recheckAt: number | undefined
  let currentHealthy = 0
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined) continue
    const { name = '' } = pod.metadata
    const since = own(budget.status.disruptedPods, name)
    const due = since === undefined ? undefined : (parseTimestamp(since) ?? 0) + DELETION_MILLISECONDS
    if (since !== undefined && due !== undefined && due >= now) {
      disruptedPods[name] = since
      recheckAt = Math.min(recheckAt ?? due, due)
      continue
    }
    if (due !== undefined) notDeleted.push(pod)
    if (isReady(pod)) currentHealthy++
  }
  const room = currentHealthy - expected.healthy
  // A budget without pods allows nothing: its first pod must not be gone before this was worked out again.
  const disruptionsAllowed = expected.pods <= 0 || room <= 0 ? 0 : room
  const status: PodDisruptionBudgetStatus = {
    observedGeneration: budget.metadata.generation,
    ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
    ...{ disruptionsAllowed, currentHealthy, desiredHealthy: expected.healthy, expectedPods: expected.pods },
  }
  const reason = disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods'
  return { status: { ...status, conditions: conditionsOf(budget, disruptionsAllowed > 0, reason, '', now) }, recheckAt, notDeleted }
}

/** When the pods could not be counted nothing may go, and the condition says why. */
export function failedStatus(budget: PodDisruptionBudget, why: string, now: number): PodDisruptionBudgetStatus {
  return { ...budget.status, disruptionsAllowed: 0, conditions: conditionsOf(budget, false, 'SyncFailed', why, now) }
}

function conditionsOf(
  { metadata, status }: PodDisruptionBudget,
  allowed: boolean,
  reason: string,
  message: string,
  now: number,
): Condition[] {
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed')
  const known = status.conditions?.find(({ type }) => type === 'DisruptionAllowed')
  const value = allowed ? 'True' : 'False'
  const lastTransitionTime = known?.status === value ? known.lastTransitionTime : timestamp(now)
  const observedGeneration = reason === 'SyncFailed' ? status.observedGeneration : metadata.generation
  const condition = { type: 'DisruptionAllowed', status: value, ...(observedGeneration ? { observedGeneration } : {}) }
  return [...others, { ...condition, lastTransitionTime, reason, message }]
}
