/** One at a time for each key, in the order of asking: a refresh beside a restart or a teardown must not work on the same files. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Acts when all who asked before have ended, well or not. */
  async take<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const turn = (async () => {
      // Its failure was told to whoever asked for it.
      await before?.catch(() => undefined)
      return act()
    })()
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }
}
