import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { isReady, readySince, restarts } from '../pods/pod-facts.ts'

/** The most pods one reconcile creates or deletes (upstream's burst). */
export const BURST = 500

export const DELETION_COST_ANNOTATION = 'controller.kubernetes.io/pod-deletion-cost'

export interface ReplicasPlan {
  readonly create: number
  readonly remove: readonly Pod[]
}

/** How many pods to create, or which to delete, so that `active` become `desired`. Pure. */
export function planReplicas(desired: number, active: readonly Pod[], related: readonly Pod[] = active): ReplicasPlan {
  const missing = desired - active.length
  if (missing >= 0) return { create: Math.min(missing, BURST), remove: [] }
  return { create: 0, remove: leastMissed(active, related).slice(0, Math.min(-missing, BURST)) }
}

/**
 * Pods in the order in which they are given up: without a node first, then not running, not ready, cheaper by
 * annotation, more of them on one node, ready for less time, restarted more, younger (kube's ActivePodsWithRanks).
 */
export function leastMissed(pods: readonly Pod[], related: readonly Pod[]): Pod[] {
  const onNode = new Map<string, number>()
  for (const pod of related) onNode.set(pod.spec.nodeName ?? '', (onNode.get(pod.spec.nodeName ?? '') ?? 0) + 1)
  const ranked = pods.map((pod) => ({
    pod,
    rank: [
      pod.spec.nodeName ? 1 : 0,
      { Pending: 0, Unknown: 1, Running: 2 }[pod.status.phase ?? 'Pending'] ?? 0,
      isReady(pod) ? 1 : 0,
      deletionCost(pod),
      -(onNode.get(pod.spec.nodeName ?? '') ?? 0),
      // Newly ready goes first: the larger the time, the earlier in the order.
      -(readySince(pod) ?? 0),
      -restarts(pod),
      -(parseTimestamp(pod.metadata.creationTimestamp ?? undefined) ?? 0),
    ],
  }))
  // The name decides among equals: whoever plans again plans the same.
  return ranked.sort((left, right) => compare(left.rank, right.rank) || byName(left.pod, right.pod)).map(({ pod }) => pod)
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (const [index, value] of left.entries()) {
    const difference = value - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function byName({ metadata: { name: left = '' } }: Pod, { metadata: { name: right = '' } }: Pod): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.[DELETION_COST_ANNOTATION] ?? '0'
  return /^-?\d+$/.test(text) ? Number(text) : 0
}
