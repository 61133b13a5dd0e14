import type { Clock } from '../../shared/time/clock.ts'

interface Entry {
  delay: number
  /** When the delay was last raised. */
  since: number
}

/**
 * How long to wait before trying again what keeps failing: 10 s, doubled each time up to 5 minutes, forgotten after twice that without a
 * failure. In memory only: after a restart of the kubelet everything gets one free try, as upstream.
 */
export class Backoff {
  readonly #clock: Clock
  readonly #first: number
  readonly #most: number
  readonly #entries = new Map<string, Entry>()

  constructor(clock: Clock, options: { first?: number; most?: number } = {}) {
    this.#clock = clock
    this.#first = options.first ?? 10_000
    this.#most = options.most ?? 300_000
  }

  /** Milliseconds to wait after a failure at `failedAt`; 0 when it may be tried at once. */
  delay(key: string, failedAt: number): number {
    const entry = this.#entries.get(key)
    return entry === undefined || this.#expired(entry, failedAt) ? 0 : entry.delay
  }

  /** Notes that something that failed at `failedAt` is tried again now (or that it has just failed). */
  raise(key: string, failedAt: number): void {
    const entry = this.#entries.get(key)
    const delay = entry === undefined || this.#expired(entry, failedAt) ? this.#first : Math.min(entry.delay * 2, this.#most)
    this.#entries.set(key, { delay, since: this.#clock.now() })
  }

  /** Forgets every key that starts with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
  }

  #expired(entry: Entry, at: number): boolean {
    return at - entry.since > 2 * this.#most
  }
}
