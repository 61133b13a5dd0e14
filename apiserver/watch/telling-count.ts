import type { Audience } from './audience.ts'

/** Who gets the event of a change. */
export interface Told {
  readonly watches: number
  /** Whose they are; some of them where they are many. */
  readonly users: readonly string[]
  /** Milliseconds from the change until the event was ready for them. */
  readonly after: number
}

const MOST_USERS = 10

/** Counts them. */
export class TellingCount {
  watches = 0
  readonly #users: string[] = []

  count({ watchers, owner }: Audience): void {
    this.watches += watchers.size
    if (this.#users.length < MOST_USERS && !this.#users.includes(owner)) this.#users.push(owner)
  }

  of(milliseconds: number): Told {
    return { watches: this.watches, users: this.#users, after: Math.max(0, milliseconds) }
  }
}
