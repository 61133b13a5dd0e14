import type { ContainerSample, NodeSample } from './resource-sample.ts'

/** What something used between two looks. */
export interface UsedInWindow {
  /** CPU in nanocores. */
  readonly nanocores: number
  readonly memoryBytes: number
  /** When the window ended, milliseconds since the epoch. */
  readonly at: number
  /** Its length in milliseconds. */
  readonly window: number
}

/** Usage of a node and its pods, for as far as two looks tell. */
export interface NodeUsage {
  readonly node: UsedInWindow | undefined
  /** By `namespace/pod`, then by container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, UsedInWindow>>
}

/** A container that started this recently is measured from its start (metrics-server's rule), if it has run for a second at least. Milliseconds. */
const YOUNG = 60_000
const LEAST_WINDOW = 1_000

/** Usage between two looks at a node; a pod of which some container is not known yet is left out. */
export function usageBetween(before: NodeSample | undefined, now: NodeSample): NodeUsage {
  const pods = new Map<string, ReadonlyMap<string, UsedInWindow>>()
  for (const [key, containers] of now.pods) {
    const used = new Map<string, UsedInWindow>()
    for (const [name, sample] of containers) {
      const one = usedBetween(before?.pods.get(key)?.get(name), sample)
      if (one) used.set(name, one)
    }
    if (used.size === containers.size) pods.set(key, used)
  }
  return { node: now.node && usedBetween(before?.node, now.node), pods }
}

function usedBetween(before: ContainerSample | undefined, now: ContainerSample): UsedInWindow | undefined {
  const { startedAt, at, memoryBytes } = now
  // A counter that went back, or a later start: the container is another one than it was.
  const isSame = before && before.cpuSeconds <= now.cpuSeconds && (startedAt ?? 0) <= before.at
  const from = isSame
    ? { at: before.at, cpuSeconds: before.cpuSeconds }
    : startedAt !== undefined && at - startedAt < YOUNG
      ? { at: startedAt, cpuSeconds: 0 }
      : undefined
  if (!from || at - from.at < LEAST_WINDOW) return undefined
  const window = at - from.at
  return { nanocores: Math.round(((now.cpuSeconds - from.cpuSeconds) / (window / 1000)) * 1e9), memoryBytes, at, window }
}
