import type { Storage } from '../storage/storage.ts'

/** Turns of the loop in which one loser may come back before the next is told. */
const TURNS = 50

/**
 * Where writers that lost a race for one object wait to be told. Told all at once, they all read, write, and all but one
 * lose again: nearly all the work of sixteen writers was in vain. So each is told when the object's newest write is durable,
 * one after the other, with a moment (or the next write) in between. Who won while others wait is told after them: else it would be
 * back with its next write before they are, and win again. So writers of one object get turns, and nobody waits longer than those in
 * front take.
 */
export class ConflictQueue {
  readonly #storage: Pick<Storage<unknown>, 'newest' | 'get' | 'settled'>
  readonly #waiting = new Map<string, (() => void)[]>()

  constructor(storage: Pick<Storage<unknown>, 'newest' | 'get' | 'settled'>) {
    this.#storage = storage
  }

  /** Whether anybody waits. */
  isContended(key: string): boolean {
    return this.#waiting.has(key)
  }

  /** Resolves when what is stored under the key is durable and this caller's turn has come. */
  wait(key: string): Promise<void> {
    return new Promise((resolve) => {
      const line = this.#waiting.get(key)
      if (line) {
        line.push(resolve)
        return
      }
      const fresh = [resolve]
      this.#waiting.set(key, fresh)
      void this.#tell(key, fresh)
    })
  }

  async #tell(key: string, line: (() => void)[]): Promise<void> {
    for (;;) {
      await this.#storage.settled(key)
      line.shift()!()
      if (line.length > 0) await this.#nextWrite(key)
      if (line.length > 0) continue
      this.#waiting.delete(key)
      return
    }
  }

  async #nextWrite(key: string): Promise<void> {
    for (let turn = 0; turn < TURNS && this.#storage.newest(key) === this.#storage.get(key); turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
}
