import { StatusError } from '../../shared/errors/status-error.ts'

/** How many requests may be worked on at once. Watches and streams are not counted: they wait, they do not work. */
export interface InFlightLimits {
  readonly reads: number
  readonly writes: number
}

type Class = 'reads' | 'writes'

/** Bounded concurrency; what is too much hears 429 at once instead of waiting for ever. */
export class InFlight {
  readonly #limits: InFlightLimits
  readonly #now: Record<Class, number> = { reads: 0, writes: 0 }

  constructor(limits: InFlightLimits) {
    this.#limits = limits
  }

  get reads(): number {
    return this.#now.reads
  }

  get writes(): number {
    return this.#now.writes
  }

  /** @throws StatusError TooManyRequests */
  enter(kind: Class): void {
    if (this.#now[kind] >= this.#limits[kind]) {
      throw new StatusError('TooManyRequests', 'The apiserver is handling too many requests; please try again later.', {
        details: { retryAfterSeconds: 1 },
      })
    }
    this.#now[kind]++
  }

  leave(kind: Class): void {
    this.#now[kind]--
  }
}
