import type { Node, Pod, Taint } from '../../shared/openapi/generated/core-v1.ts'
import { tolerates } from '../../shared/pods/tolerations.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'

/**
 * When a pod must leave its node because of NoExecute taints, in milliseconds since the epoch; undefined: it may stay.
 * A toleration without seconds is for ever; of several that match, the shortest counts, from when the taint was added. Taints that do
 * not say so (people's own) count from when they were first seen.
 */
export function evictionTime(pod: Pod, node: Node, now: number, firstSeen: (taint: Taint) => number): number | undefined {
  let earliest: number | undefined
  for (const taint of node.spec.taints ?? []) {
    if (taint.effect !== 'NoExecute') continue
    const matching = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
    const seconds = matching.flatMap((toleration) => toleration.tolerationSeconds ?? [])
    if (matching.length > 0 && seconds.length === 0) continue
    const wait = matching.length === 0 ? 0 : Math.max(Math.min(...seconds), 0)
    const at = wait === 0 ? now : (parseTimestamp(taint.timeAdded) ?? firstSeen(taint)) + wait * 1_000
    earliest = Math.min(earliest ?? at, at)
  }
  return earliest
}
