import type { Clock } from '../../shared/time/clock.ts'

/** How long one scan may keep everybody else waiting, in milliseconds. */
const TURN_MILLISECONDS = 2

/**
 * Scans over many objects give way to each other and to everything else: in one round of the event loop one of them goes on, for one turn. So
 * who asks for a single object waits for one turn, however many long lists there are.
 */
export class ScanTurns {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #waiting: (() => void)[] = []
  #ends = 0

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  /** Whether the turn that has begun last is over. Only for who has had a `next` since it last gave way. */
  get isOver(): boolean {
    return this.#clock.monotonic() >= this.#ends
  }

  /** Resolves when it is the caller's turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.push(resolve) === 1) setImmediate(this.#tell)
    })
  }

  readonly #tell = (): void => {
    const resolve = this.#waiting.shift()
    this.#ends = this.#clock.monotonic() + TURN_MILLISECONDS
    resolve?.()
    if (this.#waiting.length > 0) setImmediate(this.#tell)
  }
}
