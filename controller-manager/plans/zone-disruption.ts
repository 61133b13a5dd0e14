import type { Node } from '../../shared/openapi/generated/core-v1.ts'

/** How a failure zone fares: its nodes are well, too many are not, or none is. */
export type ZoneState = 'normal' | 'partial' | 'full'

/** Nodes of a zone that are ready, and that are not. */
export interface ZoneCount {
  readonly ready: number
  readonly notReady: number
}

export interface DisruptionSettings {
  /** The share of nodes that may be unwell before the cause is looked for in the zone and not in the nodes. */
  readonly unhealthyZoneThreshold: number
  /** Zones with more nodes than this are evicted slowly when they are disrupted, smaller ones not at all. */
  readonly largeClusterSizeThreshold: number
  /** Nodes a second whose pods may be evicted, in a zone that is well. */
  readonly nodeEvictionRate: number
  /** The same in a large zone that is disrupted. */
  readonly secondaryNodeEvictionRate: number
}

/** Region and zone of a node; nodes without the labels share one zone. */
export function zoneKey(node: Node): string {
  const labels = node.metadata.labels ?? {}
  return `${labels['topology.kubernetes.io/region'] ?? ''}/${labels['topology.kubernetes.io/zone'] ?? ''}`
}

export function zoneState({ ready, notReady }: ZoneCount, { unhealthyZoneThreshold }: DisruptionSettings): ZoneState {
  if (ready === 0 && notReady > 0) return 'full'
  return notReady > 2 && notReady / (notReady + ready) >= unhealthyZoneThreshold ? 'partial' : 'normal'
}

/**
 * Nodes a second whose pods may be evicted in a zone. When every zone is lost, it is we who are cut off, and nobody is evicted; the
 * rules and figures are those of upstream's node life-cycle controller.
 */
export function evictionRate(zone: string, zones: ReadonlyMap<string, ZoneCount>, settings: DisruptionSettings): number {
  if (allLost(zones, settings)) return 0
  const count = zones.get(zone) ?? { ready: 0, notReady: 0 }
  if (zoneState(count, settings) !== 'partial') return settings.nodeEvictionRate
  return count.ready + count.notReady > settings.largeClusterSizeThreshold ? settings.secondaryNodeEvictionRate : 0
}

/** Whether no zone has a ready node left. */
export function allLost(zones: ReadonlyMap<string, ZoneCount>, settings: DisruptionSettings): boolean {
  return zones.size > 0 && [...zones.values()].every((count) => zoneState(count, settings) === 'full')
}
