import { type FSWatcher, watch } from 'node:fs'
import type { Clock } from '../time/clock.ts'

/**
 * Waits for the kernel to tell of a change in a folder (or of a file); begun before the place is read, so that nothing falls between. Whoever waits
 * also looks from time to time: a place that is not there, and a machine that has no more watches, tell nothing.
 */
export class FolderChange {
  readonly #happened = Promise.withResolvers<void>()
  #watcher: FSWatcher | undefined

  constructor(path: string) {
    try {
      this.#watcher = watch(path, () => this.#happened.resolve())
      // A folder that was replaced is watched anew in the next round.
      this.#watcher.on('error', () => this.#happened.resolve())
    } catch {
      // It is not there, or the machine has no more watches: then it is looked at from time to time.
    }
  }

  /** Resolves with the change, after so many milliseconds without one, or when the signal aborts. */
  async within(milliseconds: number, clock: Pick<Clock, 'after'>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const timer = clock.after(milliseconds, () => this.#happened.resolve())
    const leave = () => this.#happened.resolve()
    signal.addEventListener('abort', leave, { once: true })
    await this.#happened.promise
    signal.removeEventListener('abort', leave)
    timer.cancel()
  }

  end(): void {
    this.#watcher?.close()
  }
}
