import type { Random } from '../../shared/random/random.ts'
import { type Dial, Endpoint } from './endpoint.ts'
import type { ResolvedBackend } from './resolve-backend.ts'

/** Milliseconds for which a Pod that could not be reached is asked only when there is no other. */
const AVOIDED_MILLISECONDS = 5_000

/** The Pods behind one port of a Service. Those that stay keep their connections and counts through changes. */
export class Backend {
  readonly #dial: Dial
  readonly #endpoints = new Map<string, Endpoint>()
  #resolved: ResolvedBackend = { addresses: [], protocol: 'http', problem: 'nothing is known of it yet' }

  constructor(dial: Dial) {
    this.#dial = dial
  }

  get protocol(): ResolvedBackend['protocol'] {
    return this.#resolved.protocol
  }

  /** Why there is nobody to ask. */
  get problem(): string | undefined {
    return this.#resolved.problem
  }

  /** The problem passes by itself. */
  get isPassing(): boolean {
    return this.#resolved.isPassing === true
  }

  set(resolved: ResolvedBackend): void {
    this.#resolved = resolved
    const leaving = new Map(this.#endpoints)
    for (const address of resolved.addresses) {
      const key = `${address.address} ${address.port}`
      leaving.delete(key)
      if (!this.#endpoints.has(key)) this.#endpoints.set(key, new Endpoint(address, this.#dial))
    }
    for (const [key, endpoint] of leaving) {
      this.#endpoints.delete(key)
      endpoint.leave()
    }
  }

  /**
   * The least busy one that was not tried yet, by requests that it has not finished; of several one by chance, so that they do not all get the
   * next request in turn. Those that could not be reached lately come last.
   */
  pick(tried: ReadonlySet<Endpoint>, now: number, random: Random): Endpoint | undefined {
    let best: Endpoint[] = []
    let rank = Number.POSITIVE_INFINITY
    for (const endpoint of this.#endpoints.values()) {
      if (tried.has(endpoint)) continue
      const own = endpoint.outstanding + (endpoint.avoidedUntil > now ? 1e9 : 0)
      if (own > rank) continue
      if (own < rank) best = []
      rank = own
      best.push(endpoint)
    }
    return best.length < 2 ? best[0] : best[Math.floor(random.fraction() * best.length)]
  }

  /** A connection to it failed: others are asked first for a while. */
  avoid(endpoint: Endpoint, now: number): void {
    endpoint.avoidedUntil = now + AVOIDED_MILLISECONDS
  }
}
