import { READ_BATCH } from '../present-storage.ts'
import type { RecentChanges } from '../recent-changes.ts'
import { type Change, RevisionCompacted } from '../storage.ts'
import type { EtcdHistory } from './etcd-history.ts'

/**
 * Brings into memory what happened before this server's own time. A server that was restarted is asked for it by every client at once, for each goes on
 * with its watch where another server broke off: etcd is read once for all of them, and not by each.
 */
export class EtcdRecall<F> {
  readonly #recent: RecentChanges<F>
  readonly #history: Pick<EtcdHistory<F>, 'read'>
  #reading: Promise<void> | undefined
  /** A revision after which there is more than memory takes. */
  #tooFar = -1

  constructor(recent: RecentChanges<F>, history: Pick<EtcdHistory<F>, 'read'>) {
    this.#recent = recent
    this.#history = history
  }

  /** Resolves when memory covers the revision, or cannot. @throws what reading the history does */
  async reach(from: number): Promise<void> {
    while (!this.#recent.covers(from) && from > this.#tooFar) {
      if (this.#reading === undefined) {
        this.#reading = this.#read(from).finally(() => {
          this.#reading = undefined
        })
        return this.#reading
      }
      // A reading that failed failed for all: they come again, and not one after the other. What was compacted for another may be there for this one.
      await this.#reading.catch((error: unknown) => {
        if (!(error instanceof RevisionCompacted)) throw error
      })
    }
  }

  async #read(from: number): Promise<void> {
    const to = this.#recent.start
    const changes: Change<F>[] = []
    for (let position = from; position < to; ) {
      const read = await this.#history.read(position, to, READ_BATCH)
      if (read.length === 0) break
      changes.push(...read)
      if (!this.#recent.hasRoomFor(changes)) {
        this.#tooFar = Math.max(this.#tooFar, from)
        return
      }
      position = read[read.length - 1]!.revision
    }
    this.#recent.prepend(changes, from, to)
  }
}
