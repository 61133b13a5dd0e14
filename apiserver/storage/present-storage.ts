import { ChangeFeed } from './change-feed.ts'
import { Present } from './present.ts'
import { DEFAULT_RECENT, RecentChanges, type RecentLimits } from './recent-changes.ts'
import { type Change, type Entry, type Page, RevisionAhead, RevisionCompacted, type Storage, type Subscription } from './storage.ts'

/** Changes read in one piece by `changes`. */
export const READ_BATCH = 500

/** Where a store begins, and what it keeps in memory. */
export interface PresentOptions {
  readonly revision: number
  readonly compacted: number
  readonly recent: RecentLimits | undefined
  /** Whether there may be revisions without a change. */
  readonly hasGaps: boolean
}

type Shared = 'compacted' | 'get' | 'entries' | 'count' | 'version' | 'page' | 'subscribe' | 'compact' | 'close'

/** What every store is to its readers: the present in memory, the recent past, and who follows it. Drivers say where changes come from and lie. */
export abstract class PresentStorage<F> implements Pick<Storage<F>, Shared> {
  protected readonly present = new Present<F>()
  protected readonly recent: RecentChanges<F>
  protected readonly feed: ChangeFeed<F>
  #compacted: number
  #closed: Promise<void> | undefined

  constructor({ revision, compacted, hasGaps, recent = DEFAULT_RECENT }: PresentOptions) {
    this.#compacted = compacted
    this.recent = new RecentChanges(revision, recent)
    this.feed = new ChangeFeed({
      ...{ hasGaps, recent: this.recent },
      revision: () => this.revision,
      compacted: () => this.#compacted,
      read: (from, to, limit) => this.readLog(from, to, limit),
    })
  }

  abstract get revision(): number
  /** The changes between two revisions (exclusive, inclusive) from where all of them lie, about `limit` at most. */
  protected abstract readLog(from: number, to: number, limit: number): Promise<Change<F>[]>
  protected abstract compactLog(revision: number): Promise<void>
  /** Finishes what is under way and releases the medium; `feed` is to be closed between the two. */
  protected abstract shut(): Promise<void>

  get compacted(): number {
    return this.#compacted
  }

  get(key: string): Entry<F> | undefined {
    return this.present.get(key)
  }

  entries(prefix: string): Iterable<Entry<F>> {
    return this.present.entries(prefix)
  }

  count(prefix: string): number {
    return this.present.count(prefix)
  }

  version(prefix: string): number {
    return this.present.version(prefix)
  }

  page(prefix: string, options: { after?: string | undefined; limit?: number | undefined }): Page<F> {
    return this.present.page(prefix, options)
  }

  subscribe(fromRevision: number, listener: (changes: readonly Change<F>[]) => void, onEnd?: (reason: Error) => void): Subscription {
    this.checkReachable(fromRevision)
    return this.feed.follow(fromRevision, listener, onEnd)
  }

  async compact(revision: number): Promise<void> {
    if (revision > this.revision) throw new RevisionAhead(revision, this.revision)
    if (revision <= this.#compacted) return
    this.forget(revision)
    this.feed.schedule()
    await this.compactLog(revision)
  }

  close(): Promise<void> {
    this.#closed ??= this.shut()
    return this.#closed
  }

  /** Nothing before the revision is asked for any more. */
  protected forget(revision: number): void {
    this.#compacted = Math.max(this.#compacted, revision)
    this.recent.forget(revision)
  }

  /** @throws RevisionCompacted, RevisionAhead */
  protected checkReachable(revision: number): void {
    if (revision < this.#compacted) throw new RevisionCompacted(revision, this.#compacted)
    if (revision > this.revision) throw new RevisionAhead(revision, this.revision)
  }
}
