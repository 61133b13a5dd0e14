import type { Clock } from '../../shared/time/clock.ts'

const FIRST_MILLISECONDS = 1_000
const LONGEST_MILLISECONDS = 15 * 60_000

interface Replaced {
  readonly at: number
  readonly pause: number
}

/**
 * How soon a pod that failed may be replaced by another that would probably fail, too: at once, then after one second, two, four …
 * (upstream's back-off of failed daemon pods). A place where nothing failed for twice the longest pause begins anew.
 */
export class ReplacementPace {
  readonly #clock: Clock
  readonly #owners = new Map<string, Map<string, Replaced>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until the owner may replace the pod at this place; 0: now. */
  pauseOf(owner: string, place: string): number {
    const replaced = this.#owners.get(owner)?.get(place)
    return replaced ? Math.max(replaced.at + replaced.pause - this.#clock.monotonic(), 0) : 0
  }

  replaced(owner: string, place: string): void {
    const places = this.#owners.get(owner) ?? new Map<string, Replaced>()
    this.#owners.set(owner, places)
    const now = this.#clock.monotonic()
    for (const [name, { at }] of places) if (now - at > 2 * LONGEST_MILLISECONDS) places.delete(name)
    const before = places.get(place)
    places.set(place, { at: now, pause: before ? Math.min(before.pause * 2, LONGEST_MILLISECONDS) : FIRST_MILLISECONDS })
  }

  forget(owner: string): void {
    this.#owners.delete(owner)
  }
}
