import type { Clock } from '../../../shared/time/clock.ts'
import { type Change, type Entry, type Page, RevisionAhead, RevisionCompacted, StorageUnavailable } from '../storage.ts'
import { lastState } from '../stored-entry.ts'
import type { EtcdEntries } from './etcd-entries.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import { type EtcdLink, PATIENCE } from './etcd-link.ts'
import type { EtcdMarks } from './etcd-marks.ts'
import type { EtcdEvent, RangeRequest, RangeResponse, WatchResponse } from './etcd-messages.ts'
import type { EtcdMirror } from './etcd-mirror.ts'
import { refusalOf, unavailable } from './etcd-trouble.ts'

/** Objects asked for in one piece. */
const PAGE = 500
/** Milliseconds of silence after which it is made sure that there is an event to end at, where that is not known. */
const SILENCE = 3_000

export interface HistoryOptions<F> {
  readonly link: EtcdLink
  readonly keys: EtcdKeys
  readonly entries: EtcdEntries<F>
  readonly mirror: EtcdMirror<F>
  readonly marks: EtcdMarks
  readonly clock: Clock
  readonly restamp: (value: Buffer, revision: number) => Buffer
  /** Writes something of no meaning, so that there is an event. */
  readonly mark: () => Promise<number>
}

/** The past as etcd has it: states at exact revisions, and the changes between two. */
export class EtcdHistory<F> {
  readonly #options: HistoryOptions<F>

  constructor(options: HistoryOptions<F>) {
    this.#options = options
  }

  /** @throws RevisionCompacted, RevisionAhead, StorageUnavailable */
  async getAt(key: string, revision: number): Promise<Entry<F> | undefined> {
    const { kvs } = await this.#range({ key: this.#options.keys.of(key) }, revision)
    return kvs[0] && this.#options.entries.entryOf(kvs[0])
  }

  /** @throws RevisionCompacted, RevisionAhead, StorageUnavailable */
  async pageAt(
    prefix: string,
    revision: number,
    { after, limit = 0 }: { after?: string | undefined; limit?: number | undefined },
  ): Promise<Page<F>> {
    const { keys, entries: reader } = this.#options
    const entries: Entry<F>[] = []
    let position = after
    for (let size = PAGE; ; ) {
      const wanted = limit > 0 ? Math.min(size, limit - entries.length) : size
      try {
        const page = await this.#range({ ...keys.objects(prefix, position), limit: wanted }, revision)
        for (const kv of page.kvs) entries.push(reader.entryOf(kv)!)
        position = entries[entries.length - 1]?.key
        const remaining = Number(page.count) - page.kvs.length
        if (remaining === 0 || entries.length === limit) return { entries, more: remaining > 0, remaining }
      } catch (error) {
        if (refusalOf(error) !== 'too large' || size === 1) throw error
        size = Math.max(1, wanted >> 1)
      }
    }
  }

  /** Up to where etcd has forgotten changes. @throws GrpcError */
  async horizon(): Promise<number> {
    const { link, keys, clock } = this.#options
    const { start } = link
    const found = new AbortController()
    let horizon: number | undefined
    const timer = clock.after(PATIENCE, () => found.abort())
    // The record of the store is its first change: it comes, or etcd says up to where it is compacted.
    try {
      await link.client.stream('Watch', {
        request: { createRequest: { key: keys.record, startRevision: link.theirs(start), fragment: true } },
        signal: found.signal,
        listener: ({ compactRevision, events }) => {
          if (compactRevision === '0' && events.length === 0) return
          horizon = compactRevision === '0' ? start : Math.max(start, link.ours(compactRevision))
          found.abort()
        },
      })
    } finally {
      timer.cancel()
    }
    if (horizon === undefined) throw new StorageUnavailable('etcd does not say up to where it is compacted')
    return horizon
  }

  /**
   * The changes after `from` up to `to`, at most about `limit` of them (those of one revision are not parted).
   * @throws RevisionCompacted, StorageUnavailable
   */
  async read(from: number, to: number, limit: number): Promise<Change<F>[]> {
    const { link, keys, mirror, clock, mark } = this.#options
    const end = mirror.newestEvent === undefined ? to : Math.min(to, mirror.newestEvent)
    if (from >= end) return []
    const changes: Change<F>[] = []
    const enough = new AbortController()
    const patience = mirror.newestEvent === undefined ? SILENCE : PATIENCE
    let failure: unknown
    const quiet = () => {
      if (mirror.newestEvent !== undefined) {
        failure = new StorageUnavailable('etcd does not say what it has')
        return enough.abort()
      }
      mirror.noteGaps()
      mark().catch((error: unknown) => {
        failure ??= error
        enough.abort()
      })
    }
    let timer = clock.after(patience, quiet)
    let pieces: EtcdEvent[] = []
    const listener = ({ canceled, compactRevision, cancelReason, fragment, events }: WatchResponse) => {
      if (enough.signal.aborted) return
      timer.cancel()
      if (compactRevision !== '0') throw new RevisionCompacted(from, link.ours(compactRevision))
      if (canceled) throw new StorageUnavailable(`etcd ended the reading of its past: ${cancelReason}`)
      // It begins one earlier, as the mirror's watch does.
      pieces.push(...events.filter(({ kv }) => link.ours(kv.modRevision) > from))
      if (!fragment) {
        const whole = pieces
        pieces = []
        if (this.#collect(whole, changes, to, limit) || link.ours(whole[whole.length - 1]?.kv.modRevision ?? '0') >= end) enough.abort()
      }
      if (!enough.signal.aborted) timer = clock.after(patience, quiet)
    }
    try {
      await link.client.stream('Watch', {
        request: { createRequest: { ...keys.all, startRevision: link.theirs(from), prevKv: true, fragment: true } },
        listener,
        signal: enough.signal,
        metadata: { hasleader: 'true' },
      })
      if (failure !== undefined) throw failure
    } catch (error) {
      if (error instanceof RevisionCompacted) throw error
      throw unavailable('the past could not be read from etcd', error)
    } finally {
      timer.cancel()
    }
    if (!enough.signal.aborted) throw new StorageUnavailable('etcd ended the reading of its past')
    return changes
  }

  /** True when there are enough. */
  #collect(events: readonly EtcdEvent[], changes: Change<F>[], to: number, limit: number): boolean {
    const { link } = this.#options
    for (const event of events) {
      const revision = link.ours(event.kv.modRevision)
      if (revision > to || (changes.length >= limit && revision !== changes[changes.length - 1]?.revision)) return true
      const change = this.#changeOf(event, revision)
      if (change !== undefined) changes.push(change)
    }
    return false
  }

  #changeOf({ type, kv, prevKv }: EtcdEvent, revision: number): Change<F> | undefined {
    const { keys, entries, restamp, marks, clock } = this.#options
    const key = keys.objectKey(kv.key)
    if (key === undefined) return undefined
    const previous = prevKv === null ? undefined : entries.entryOf(prevKv)
    // etcd keeps no times.
    const time = marks.find(revision)?.time ?? clock.now()
    if (type === 'PUT') return { type: 'put', key, revision, previous, time, entry: entries.entryOf(kv)! }
    if (previous === undefined) throw new StorageUnavailable(`etcd did not say what was removed at revision ${revision}`)
    return { type: 'delete', key, revision, previous, time, entry: lastState(previous, revision, restamp) }
  }

  async #range(request: RangeRequest, revision: number): Promise<RangeResponse> {
    const { link, mirror } = this.#options
    try {
      return await link.call('Range', { ...request, revision: link.theirs(revision) })
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === 'compacted') throw new RevisionCompacted(revision, mirror.revision)
      if (refusal === 'ahead') throw new RevisionAhead(revision, mirror.revision)
      if (refusal === 'too large') throw error
      throw unavailable('the past could not be read from etcd', error)
    }
  }
}
