import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'

/** Still counts towards a controller's replicas: not finished and not on its way out. */
export function isActive(pod: Pod): boolean {
  return pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined
}

/** The Ready condition is True. */
export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True'
}

/** When the pod became ready, in milliseconds since the epoch; undefined when it is not. */
export function readySince(pod: Pod): number | undefined {
  const condition = readyCondition(pod)
  return condition?.status === 'True' ? parseTimestamp(condition.lastTransitionTime ?? undefined) : undefined
}

/** Ready for at least `minReadySeconds`; available pods are what a rollout counts. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: number): boolean {
  if (!isReady(pod)) return false
  if (minReadySeconds === 0) return true
  const since = readySince(pod)
  return since !== undefined && since + minReadySeconds * 1_000 <= now
}

/** Milliseconds until the next of these pods becomes available; undefined when none is waiting. */
export function untilAvailable(pods: readonly Pod[], minReadySeconds: number, now: number): number | undefined {
  const waits = pods
    .filter((pod) => isReady(pod) && !isAvailable(pod, minReadySeconds, now))
    .map((pod) => (readySince(pod) ?? now) + minReadySeconds * 1_000 - now)
  return waits.length === 0 ? undefined : Math.max(Math.min(...waits), 1)
}

/** How often the pod's containers were restarted, the most of any one. */
export function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status.containerStatuses ?? []).map((status) => status.restartCount))
}

function readyCondition(pod: Pod) {
  return pod.status.conditions?.find((condition) => condition.type === 'Ready')
}
