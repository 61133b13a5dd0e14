import type { Logger } from '../shared/logging/logger.ts'

/** What is written beside the loop. A failure is told: whoever waits for what was not written is tried again. */
export class WritesInFlight {
  readonly #log: Logger
  readonly #short = new Set<Promise<void>>()
  readonly #long = new Set<Promise<void>>()

  constructor(log: Logger) {
    this.#log = log
  }

  add(write: Promise<void>): void {
    this.#track(write, this.#short)
  }

  /** One that waits for others, minutes perhaps, and holds nobody up meanwhile. */
  addLong(write: Promise<void>): void {
    this.#track(write, this.#long)
  }

  /** How many there are of those that are soon done. */
  get size(): number {
    return this.#short.size
  }

  /** Resolves when one of these is done. */
  async oneDone(): Promise<void> {
    await Promise.race(this.#short)
  }

  /** Resolves when the last has been answered. */
  async settled(): Promise<void> {
    await Promise.all([...this.#short, ...this.#long])
  }

  #track(write: Promise<void>, under: Set<Promise<void>>): void {
    const settled = write
      .catch((error: unknown) => {
        if (!isAborted(error)) this.#log.error('a scheduling result could not be written', { error })
      })
      .finally(() => under.delete(settled))
    under.add(settled)
  }
}

/** Whether this is the scheduler's own end. */
export function isAborted(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
