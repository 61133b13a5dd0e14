/** Wakes the one loop that waits for it. Rung while nobody waits it is lost: what there is to do is the loop's own state to know. */
export class Bell {
  #wake: (() => void) | undefined

  ring(): void {
    this.#wake?.()
  }

  /** Resolves with the next ring, when the signal aborts, or at once where there is something to do already. */
  rung(isDue: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || isDue) return resolve()
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#wake = undefined
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }
}
