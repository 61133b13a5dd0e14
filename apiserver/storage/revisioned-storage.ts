import type { Clock } from '../../shared/time/clock.ts'
import type { StoredForm } from './encryption/value-transformer.ts'
import { PastOverlays } from './past-overlays.ts'
import { type Overlay, overlayOf, type PastState, pageOfPast } from './past-state.ts'
import { PresentStorage, READ_BATCH } from './present-storage.ts'
import type { RecentLimits } from './recent-changes.ts'
import type { LoadedLog, RevisionLog } from './revision-log.ts'
import { type Change, type Entry, type Mark, type Page, RevisionAhead, type Storage, type Write } from './storage.ts'
import { WriteQueue } from './write-queue.ts'

export interface RevisionedStorageOptions {
  readonly clock: Clock
  readonly restamp: (value: Buffer, revision: number) => Buffer
  readonly recent?: RecentLimits | undefined
}

/** The store over any revision log, which puts writes in order. Drivers differ in the log alone. */
export class RevisionedStorage<F> extends PresentStorage<F> implements Storage<F> {
  readonly #log: RevisionLog<F>
  readonly #queue: WriteQueue<F>
  readonly #overlays: PastOverlays<F>

  constructor({ log, present, revision, compacted }: LoadedLog<F>, { clock, restamp, recent }: RevisionedStorageOptions) {
    super({ revision, compacted, recent, hasGaps: false })
    this.#log = log
    this.#overlays = new PastOverlays({ log, recent: this.recent, newest: () => this.revision })
    for (const entry of present) this.present.set(entry)
    this.#queue = new WriteQueue({ log, present: this.present, revision, clock, restamp, onCommit: (c) => this.#committed(c) })
  }

  get revision(): number {
    return this.#queue.revision
  }

  newest(key: string): Entry<F> | undefined {
    return this.#queue.newest(key)
  }

  settled(key: string): Promise<void> {
    return this.#queue.settled(key)
  }

  formOf(entry: Entry<F>): StoredForm {
    // What is queued gets its form when it is written.
    return entry.revision > this.revision ? 'newest' : (this.#log.formOf?.(entry) ?? 'newest')
  }

  async getAt(key: string, revision: number): Promise<Entry<F> | undefined> {
    const overlay = await this.#overlay(key, revision)
    if (!overlay.has(key)) return this.present.get(key)
    return this.#resolve(overlay.get(key), revision)
  }

  async pageAt(prefix: string, revision: number, options: { after?: string | undefined; limit?: number | undefined }): Promise<Page<F>> {
    const overlay = await this.#overlay(prefix, revision)
    const { states, remaining } = pageOfPast(this.present, overlay, prefix, options)
    const entries: Entry<F>[] = []
    for (const state of states) {
      const entry = 'entry' in state ? state.entry : await this.#resolve(state, revision)
      if (entry !== undefined) entries.push(entry)
    }
    return { entries, more: remaining > 0, remaining }
  }

  write(write: Write<F>): Promise<Change<F>> {
    return this.#queue.write(write)
  }

  get claims(): undefined {
    return undefined
  }

  /** The present of a local log contains a write before it is acknowledged: nothing to wait for. */
  barrier(): undefined {
    return undefined
  }

  async *changes(fromRevision: number, toRevision: number): AsyncGenerator<Change<F>, void, undefined> {
    this.checkReachable(fromRevision)
    if (toRevision > this.revision) throw new RevisionAhead(toRevision, this.revision)
    let position = fromRevision
    while (position < toRevision) {
      const changes = await this.#log.read(position, toRevision, READ_BATCH)
      if (changes[0]?.revision !== position + 1) this.checkReachable(position)
      if (changes.length === 0) throw new Error(`the log has nothing after revision ${position}`)
      yield* changes
      position = changes[changes.length - 1]!.revision
    }
  }

  async mark(revision: number): Promise<Mark | undefined> {
    return revision > this.compacted && revision <= this.revision ? this.#log.mark(revision) : undefined
  }

  async markAt(time: number): Promise<Mark | undefined> {
    let found: Mark | undefined
    let low = this.compacted + 1
    let high = this.revision
    while (low <= high) {
      const middle = Math.floor((low + high) / 2)
      const mark = await this.mark(middle)
      // What a compaction took meanwhile is earlier than everything that is there.
      if (mark === undefined || mark.time <= time) {
        found = mark ?? found
        low = middle + 1
      } else high = middle - 1
    }
    return found
  }

  oldestMark(): Promise<Mark | undefined> {
    return this.mark(this.compacted + 1)
  }

  protected readLog(from: number, to: number, limit: number): Promise<Change<F>[]> {
    return this.#log.read(from, to, limit)
  }

  protected compactLog(revision: number): Promise<void> {
    this.#overlays.forget(revision)
    return this.#log.compact(revision)
  }

  protected async shut(): Promise<void> {
    await this.#queue.close()
    this.feed.close()
    await this.#log.close()
  }

  #committed(changes: readonly Change<F>[]): void {
    for (const change of changes) {
      if (change.type === 'put') this.present.set(change.entry)
      else this.present.delete(change.key)
      this.recent.append(change)
    }
    this.feed.schedule()
  }

  /**
   * The difference between the present and an exact revision. When it returns, in the same turn of the loop, the
   * overlay fits the present: changes committed while the log was being read are part of it.
   */
  async #overlay(prefix: string, revision: number): Promise<Overlay<F>> {
    this.checkReachable(revision)
    if (this.recent.covers(revision)) return overlayOf(this.recent.after(revision), prefix)
    const overlay = await this.#overlays.at(revision, prefix)
    this.checkReachable(revision)
    return overlay
  }

  async #resolve(state: PastState<F>, revision: number): Promise<Entry<F> | undefined> {
    if (state === undefined) return undefined
    if ('entry' in state) return state.entry
    const entry = await this.#log.fetch(state.key, state.reference)
    this.checkReachable(revision)
    if (entry === undefined) throw new Error(`the log has lost revision ${state.reference.revision} of ${state.key}`)
    return entry
  }
}
