/** What decides who announces an address. */
export interface HolderQuestion {
  /** Who announces it now, if anybody. */
  readonly current: string | undefined
  /** Nodes that live and may announce. */
  readonly able: readonly string[]
  /** Those of them that have Pods of the Service, where only they can lead to some; undefined where any node can. */
  readonly withPods: ReadonlySet<string> | undefined
  /** How many addresses each node announces besides. */
  readonly load: ReadonlyMap<string, number>
}

/**
 * Pure: the node that announces an address. Whoever does goes on as long as it can, so that a node that comes back takes nothing away again
 * (each move cuts connections). Else the one with the fewest addresses. When nobody can, nothing moves: what looks dead may live.
 */
export function chooseHolder({ current, able, withPods, load }: HolderQuestion): string | undefined {
  const best = withPods ? able.filter((name) => withPods.has(name)) : able
  const from = best.length > 0 ? best : able
  if (current !== undefined && (from.length === 0 || from.includes(current))) return current
  const count = (name: string) => load.get(name) ?? 0
  return [...from].sort((one, other) => count(one) - count(other) || (one < other ? -1 : 1))[0]
}
