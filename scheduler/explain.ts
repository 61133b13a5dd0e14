/** How many nodes gave each sentence. */
export type Refusals = ReadonlyMap<string, number>

/** Why no node took the pod, as `kubectl describe` shows it: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function explain(nodeCount: number, refusals: Refusals): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const parts = [...refusals].map(([sentence, count]) => `${count} ${sentence}`).sort()
  return `0/${nodeCount} nodes are available: ${parts.join(', ')}.`
}

/** Counts one more, or several. */
export function countRefusal(refusals: Map<string, number>, sentence: string, times = 1): void {
  refusals.set(sentence, (refusals.get(sentence) ?? 0) + times)
}

/** The same for a reason that has nothing to do with any node. */
export function explainForAll(nodeCount: number, sentence: string): string {
  return `0/${nodeCount} nodes are available: ${sentence}.`
}
