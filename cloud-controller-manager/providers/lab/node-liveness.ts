import type { Informer } from '../../../shared/informer/informer.ts'
import { isTrue } from '../../../shared/objects/conditions.ts'
import type { Lease } from '../../../shared/openapi/generated/coordination-v1.ts'
import type { Node } from '../../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../../shared/time/clock.ts'

/**
 * Which nodes live, sooner than their Ready condition says: a kubelet renews its Lease every few seconds, and this one counts by its own clock
 * how long it has heard nothing. When it has heard from nobody for a while it was deaf itself (the API server was away): then everybody
 * gets the whole grace period again, for else whoever speaks first would take over from all others.
 */
export class NodeLiveness {
  readonly #nodes: Informer<Node>
  readonly #clock: Clock
  readonly #grace: number
  readonly #heard = new Map<string, number>()
  #lastHeard: number

  constructor({ nodes, leases, clock, grace }: { nodes: Informer<Node>; leases: Informer<Lease>; clock: Clock; grace: number }) {
    this.#nodes = nodes
    this.#clock = clock
    this.#grace = grace
    this.#lastHeard = clock.monotonic()
    leases.onChange((_key, current, previous) => {
      const name = current?.metadata.name ?? previous?.metadata.name ?? ''
      if (!current) this.#heard.delete(name)
      else if (current.spec.renewTime !== previous?.spec.renewTime) this.#hear(name)
    })
  }

  /** Ready, and heard from within the grace period. A node without a Lease is judged by its condition alone. */
  lives(name: string): boolean {
    const node = this.#nodes.cache.get(name)
    if (!node || node.metadata.deletionTimestamp !== undefined || !isTrue(node.status.conditions, 'Ready')) return false
    const heard = this.#heard.get(name)
    return heard === undefined || this.#clock.monotonic() - heard < this.#grace
  }

  #hear(name: string): void {
    const now = this.#clock.monotonic()
    if (now - this.#lastHeard > this.#grace / 2) for (const each of this.#heard.keys()) this.#heard.set(each, now)
    this.#lastHeard = now
    this.#heard.set(name, now)
  }
}
