import type { Informer } from '../../shared/informer/informer.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { isEvicting, readyOf } from '../plans/node-health.ts'
import { allLost, type DisruptionSettings, evictionRate, type ZoneCount, zoneKey } from '../plans/zone-disruption.ts'

/** Counts ready nodes by zone and gives leave to evict node by node, at the zone's pace. */
export class EvictionPace {
  readonly #clock: Clock
  readonly #settings: DisruptionSettings
  readonly #zones = new Map<string, ZoneCount>()
  readonly #counted = new Map<string, { zone: string; ready: boolean }>()
  /** When the next node of a zone may follow. */
  readonly #nextAt = new Map<string, number>()
  /** Who has been given leave: a write that failed is repeated without waiting again. */
  readonly #given = new Set<string>()

  constructor(nodes: Informer<Node>, clock: Clock, settings: DisruptionSettings) {
    this.#clock = clock
    this.#settings = settings
    nodes.onChange((name, current) => this.#count(name, current))
  }

  /** Whether the node may have (and keep) the taint that evicts its pods. Asking may use up the zone's turn. */
  mayEvict(node: Node): boolean {
    const name = node.metadata.name ?? ''
    if (allLost(this.#zones, this.#settings)) return false
    const ready = readyOf(node)?.status
    if (ready !== 'False' && ready !== 'Unknown') return false
    if (isEvicting(node) || this.#given.has(name)) return true
    const zone = zoneKey(node)
    const rate = evictionRate(zone, this.#zones, this.#settings)
    const now = this.#clock.monotonic()
    if (rate === 0 || now < (this.#nextAt.get(zone) ?? 0)) return false
    this.#nextAt.set(zone, now + 1_000 / rate)
    this.#given.add(name)
    return true
  }

  #count(name: string, node: Node | undefined): void {
    const before = this.#counted.get(name)
    if (before) this.#add(before, -1)
    if (!node) {
      this.#counted.delete(name)
      this.#given.delete(name)
      return
    }
    const now = { zone: zoneKey(node), ready: readyOf(node)?.status === 'True' }
    if (now.ready) this.#given.delete(name)
    this.#counted.set(name, now)
    this.#add(now, 1)
  }

  #add({ zone, ready }: { zone: string; ready: boolean }, by: 1 | -1): void {
    const { ready: well, notReady } = this.#zones.get(zone) ?? { ready: 0, notReady: 0 }
    const count = ready ? { ready: well + by, notReady } : { ready: well, notReady: notReady + by }
    if (count.ready + count.notReady === 0) this.#zones.delete(zone)
    else this.#zones.set(zone, count)
  }
}
