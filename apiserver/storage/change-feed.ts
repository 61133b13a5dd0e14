import type { RecentChanges } from './recent-changes.ts'
import { type Change, RevisionCompacted, StorageUnavailable, type Subscription } from './storage.ts'

/** Changes handed over in one piece while a subscription catches up from the log. */
const BACKFILL_BATCH = 500

type Listener<F> = (changes: readonly Change<F>[]) => void

interface Follower<F> {
  readonly listener: Listener<F>
  readonly onEnd: ((reason: Error) => void) | undefined
  /** The newest revision it was given. */
  position: number
  /** Catching up from the log on its own; deliveries pass it by until it is done. */
  reading: boolean
}

/** What the feed needs to know of the store. */
export interface FeedSource<F> {
  readonly recent: RecentChanges<F>
  revision(): number
  compacted(): number
  read(from: number, to: number, limit: number): Promise<Change<F>[]>
  /** Whether there may be revisions without a change. */
  readonly hasGaps: boolean
}

/**
 * Gives every subscriber every change once and in order. Deliveries run in a later turn of the loop than the
 * acknowledgements, one for all changes that came in between. A subscriber has only a position; what it lacks comes from
 * recent memory, or from the log when memory does not reach back far enough. A change is handed over only if its
 * revision is one that may follow the position (in a log without gaps: the next), so a hole can end a subscription but never go unnoticed.
 */
export class ChangeFeed<F> {
  readonly #source: FeedSource<F>
  readonly #followers = new Set<Follower<F>>()
  #scheduled = false

  constructor(source: FeedSource<F>) {
    this.#source = source
  }

  follow(from: number, listener: Listener<F>, onEnd?: (reason: Error) => void): Subscription {
    const follower: Follower<F> = { listener, onEnd, position: from, reading: false }
    this.#followers.add(follower)
    if (from < this.#source.revision()) this.schedule()
    const { recent } = this.#source
    return {
      get isCurrent() {
        return follower.position >= recent.newest
      },
      close: () => void this.#followers.delete(follower),
    }
  }

  /** Arranges for a delivery soon; any number of calls before it make one delivery. */
  schedule(): void {
    if (this.#scheduled || this.#followers.size === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  /** Delivers what is left, then ends every subscription. */
  close(): void {
    this.end(new StorageUnavailable('the store is closed'))
  }

  /** Delivers what is left, then ends the subscriptions that are there. */
  end(reason: Error): void {
    this.#deliver()
    for (const follower of [...this.#followers]) this.#end(follower, reason)
  }

  #deliver(): void {
    const { recent } = this.#source
    const newest = this.#source.revision()
    // Nearly all followers stand at the same position: they share one array.
    let shared: Change<F>[] = []
    let sharedFrom = -1
    for (const follower of [...this.#followers]) {
      if (follower.reading || follower.position >= newest) continue
      if (!recent.covers(follower.position)) {
        void this.#catchUp(follower)
        continue
      }
      if (sharedFrom !== follower.position) {
        sharedFrom = follower.position
        shared = recent.after(sharedFrom)
      }
      // The revision may be ahead of the newest change.
      if (shared.length === 0) continue
      this.#hand(follower, shared)
    }
  }

  /** Reads the log, batch by batch, until recent memory covers the rest. Never throws. */
  async #catchUp(follower: Follower<F>): Promise<void> {
    follower.reading = true
    const { recent, read, hasGaps } = this.#source
    try {
      while (this.#followers.has(follower) && !recent.covers(follower.position)) {
        if (follower.position < this.#source.compacted()) throw new RevisionCompacted(follower.position, this.#source.compacted())
        const newest = this.#source.revision()
        const changes = await read(follower.position, newest, BACKFILL_BATCH)
        if (follower.position < this.#source.compacted()) throw new RevisionCompacted(follower.position, this.#source.compacted())
        if (changes.length > 0) this.#hand(follower, changes)
        else if (hasGaps) follower.position = newest
        else throw new StorageUnavailable(`the log has nothing after revision ${follower.position}`)
      }
      follower.reading = false
      this.schedule()
    } catch (error) {
      this.#end(follower, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #hand(follower: Follower<F>, changes: readonly Change<F>[]): void {
    if (!this.#followers.has(follower)) return
    try {
      const first = changes[0]!.revision
      const { hasGaps } = this.#source
      if (hasGaps ? first <= follower.position : first !== follower.position + 1)
        throw new Error(`the log has revision ${first} after ${follower.position}`)
      follower.position = changes[changes.length - 1]!.revision
      follower.listener(changes)
    } catch (error) {
      this.#end(follower, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #end(follower: Follower<F>, reason: Error): void {
    if (!this.#followers.delete(follower)) return
    // Without anyone to tell, a listener's error must not vanish: it surfaces as an uncaught exception.
    if (follower.onEnd !== undefined) follower.onEnd(reason)
    else if (!(reason instanceof StorageUnavailable))
      queueMicrotask(() => {
        throw reason
      })
  }
}
