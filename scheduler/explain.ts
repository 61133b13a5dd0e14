import type { Refusal } from './framework.ts'

/** Why no node took the pod, as `kubectl describe` shows it: `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function explain(nodeCount: number, refusals: readonly Refusal[]): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const counts = new Map<string, number>()
  for (const { sentence } of refusals) counts.set(sentence, (counts.get(sentence) ?? 0) + 1)
  const parts = [...counts].map(([sentence, count]) => `${count} ${sentence}`).sort()
  return `0/${nodeCount} nodes are available: ${parts.join(', ')}.`
}

/** The same for a reason that has nothing to do with any node. */
export function explainForAll(nodeCount: number, sentence: string): string {
  return `0/${nodeCount} nodes are available: ${sentence}.`
}
