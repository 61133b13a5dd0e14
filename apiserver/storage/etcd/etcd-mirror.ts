import { status } from '@grpc/grpc-js'
import { GrpcError } from '../../../shared/grpc/grpc-client.ts'
import type { Logger } from '../../../shared/logging/logger.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import type { Present } from '../present.ts'
import { type Change, type Entry, RevisionCompacted, StorageUnavailable } from '../storage.ts'
import { lastState } from '../stored-entry.ts'
import type { EtcdEntries } from './etcd-entries.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import type { EtcdLink } from './etcd-link.ts'
import type { EtcdEvent, WatchResponse } from './etcd-messages.ts'
import { refusalOf } from './etcd-trouble.ts'

/** Objects read in one piece; fewer where they are large. */
const PAGE = 500
/** Milliseconds between attempts to find a member that answers: the first, and the longest. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1_000

export interface MirrorOptions<F> {
  readonly link: EtcdLink
  readonly keys: EtcdKeys
  readonly entries: EtcdEntries<F>
  readonly present: Present<F>
  readonly restamp: (value: Buffer, revision: number) => Buffer
  readonly clock: Clock
  readonly logger: Logger
  /** Changes that have just come into the present. */
  readonly onChanges: (changes: readonly Change<F>[]) => void
  /** The present was read anew: changes after the one revision up to the other were missed, and with them the end of these. */
  readonly onReset: (from: number, to: number, gone: readonly Entry<F>[]) => void
}

/** A write of this server on its way. */
export interface Awaited<F> {
  /** What lies in etcd if it succeeds: facts are then known without a look at the bytes. */
  readonly bytes: Buffer | undefined
  readonly facts: F | undefined
  /** The changes of its key that came meanwhile. */
  readonly seen: Change<F>[]
}

interface Waiting {
  readonly revision: number
  resolve(): void
}

/**
 * Keeps the present equal to etcd: read once, in pages of one revision, then followed by one watch, over every member that comes and goes. What others
 * write comes the same way as what this server writes, so there is one order of everything.
 */
export class EtcdMirror<F> {
  readonly #options: MirrorOptions<F>
  readonly #awaited = new Map<string, Awaited<F>>()
  #waiting: Waiting[] = []
  #revision = 0
  #newestEvent: number | undefined
  #hasGaps = false
  #pieces: EtcdEvent[] = []

  constructor(options: MirrorOptions<F>) {
    this.#options = options
  }

  /** Everything up to here is in the present. */
  get revision(): number {
    return this.#revision
  }

  /** The revision of the newest event of this store, where one has come since the start; behind it are only revisions of others. */
  get newestEvent(): number | undefined {
    return this.#newestEvent
  }

  /** Whether others write to this etcd: its newest revision may then be one that never comes here. */
  get hasGaps(): boolean {
    return this.#hasGaps
  }

  noteGaps(): void {
    this.#hasGaps = true
  }

  /** Collects the changes of a key until `forget`. */
  await(key: string, awaited: Awaited<F>): void {
    this.#awaited.set(key, awaited)
  }

  forget(key: string): void {
    this.#awaited.delete(key)
  }

  /** Resolves when the present includes the revision. @throws StorageUnavailable when that takes longer than `patience` milliseconds */
  reached(revision: number, patience: number): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(patience, () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
        reject(new StorageUnavailable(`this server has not heard from etcd: it knows revision ${this.#revision}, and ${revision} exists`))
      })
      const waiting = {
        revision,
        resolve: () => {
          timer.cancel()
          resolve()
        },
      }
      this.#waiting.push(waiting)
    })
  }

  /** Reads everything; answers what was there before and is not any more. @throws GrpcError, StorageUnavailable */
  async load(): Promise<Entry<F>[]> {
    const { present, link } = this.#options
    const { entries, revision } = await this.#readAll()
    const fresh = new Set(entries.map(({ key }) => key))
    const gone = Array.from(present.entries('')).filter(({ key }) => !fresh.has(key))
    for (const { key } of gone) present.delete(key)
    for (const entry of entries) if (present.get(entry.key)?.revision !== entry.revision) present.set(entry)
    this.#revision = revision
    this.#newestEvent = undefined
    link.saw(revision)
    return gone
  }

  /** Follows etcd until the signal aborts; a member that is lost is replaced by another. Never throws. */
  async follow(signal: AbortSignal): Promise<void> {
    const { link, logger, clock } = this.#options
    let isConnected = true
    let pause = FIRST_PAUSE
    while (!signal.aborted) {
      try {
        if (!isConnected) await link.connect()
        isConnected = true
        await this.#watch(signal, () => (pause = FIRST_PAUSE))
      } catch (error) {
        if (signal.aborted) return
        isConnected = false
        if (error instanceof RevisionCompacted) {
          logger.error('etcd has forgotten changes that this server has not seen; everything is read anew', { error })
          isConnected = await this.#reload(error)
        } else link.lost(error)
      }
      // The pause ends early only because of the abort.
      if (!isConnected && !signal.aborted) await clock.sleep(pause, signal).catch(() => {})
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    }
  }

  async #reload(reason: Error): Promise<boolean> {
    try {
      const from = this.#revision
      const gone = await this.load()
      this.#options.onReset(from, this.#revision, gone)
      this.#wake()
      return true
    } catch (error) {
      this.#options.logger.warn('etcd could not be read anew; trying again', { error: String(error), reason: reason.message })
      this.#options.link.lost(error)
      return false
    }
  }

  async #watch(signal: AbortSignal, onNews: () => void): Promise<void> {
    const { link, keys } = this.#options
    this.#pieces = []
    // One earlier than is needed: older versions of etcd let a watch begin at the very revision they are compacted to, and have dropped a removal there (etcd issue 18089).
    const startRevision = link.theirs(this.#revision)
    await link.client.stream('Watch', {
      request: { createRequest: { ...keys.all, startRevision, progressNotify: true, fragment: true } },
      // A member without a leader ends the watch instead of leaving it quiet.
      metadata: { hasleader: 'true' },
      signal,
      listener: (response) => {
        onNews()
        this.#take(response)
      },
    })
    if (!signal.aborted) throw new GrpcError('etcd ended the watch', status.UNAVAILABLE)
  }

  #take({ canceled, created, cancelReason, compactRevision, fragment, events, header }: WatchResponse): void {
    const { link } = this.#options
    if (compactRevision !== '0') throw new RevisionCompacted(this.#revision, link.ours(compactRevision))
    if (canceled) throw new GrpcError(`etcd ended the watch: ${cancelReason}`, status.UNAVAILABLE)
    this.#pieces.push(...events)
    if (fragment || created) return
    const all = this.#pieces
    this.#pieces = []
    if (all.length > 0) this.#apply(all)
    else if (link.ours(header.revision) > this.#revision) {
      // Nothing of ours up to there.
      this.#hasGaps = true
      this.#revision = link.ours(header.revision)
    }
    link.saw(this.#revision)
    this.#wake()
  }

  #apply(events: readonly EtcdEvent[]): void {
    const { link, present } = this.#options
    const now = this.#options.clock.now()
    const changes: Change<F>[] = []
    let last = this.#revision
    for (const event of events) {
      const revision = link.ours(event.kv.modRevision)
      if (revision <= this.#revision) continue
      if (revision > last + 1) this.#hasGaps = true
      last = revision
      const change = this.#changeOf(event, revision, now)
      if (change === undefined) continue
      if (change.type === 'put') present.set(change.entry)
      else present.delete(change.key)
      this.#awaited.get(change.key)?.seen.push(change)
      changes.push(change)
    }
    if (last === this.#revision) return
    this.#revision = last
    this.#newestEvent = last
    if (changes.length > 0) this.#options.onChanges(changes)
  }

  #changeOf({ type, kv }: EtcdEvent, revision: number, time: number): Change<F> | undefined {
    const { keys, entries, present, restamp } = this.#options
    const key = keys.objectKey(kv.key)
    if (key === undefined) return undefined
    const previous = present.get(key)
    if (type === 'DELETE') {
      return previous && { type: 'delete', key, revision, previous, time, entry: lastState(previous, revision, restamp) }
    }
    const own = this.#awaited.get(key)
    const entry = entries.entryOf(kv, own?.bytes?.equals(kv.value) ? own.facts : undefined)!
    return { type: 'put', key, revision, entry, previous, time }
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    const due = this.#waiting.filter(({ revision }) => revision <= this.#revision)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter(({ revision }) => revision > this.#revision)
    for (const waiting of due.sort((a, b) => a.revision - b.revision)) waiting.resolve()
  }

  async #readAll(): Promise<{ entries: Entry<F>[]; revision: number }> {
    const { link, keys, entries: reader } = this.#options
    const entries: Entry<F>[] = []
    let limit = PAGE
    let revision: string | undefined
    let after = ''
    for (;;) {
      const range = keys.objects('', after)
      try {
        const page = await link.call('Range', revision === undefined ? { ...range, limit } : { ...range, limit, revision })
        revision ??= page.header.revision
        for (const kv of page.kvs) entries.push(reader.entryOf(kv)!)
        if (!page.more) return { entries, revision: link.ours(revision) }
        after = entries[entries.length - 1]!.key
      } catch (error) {
        if (refusalOf(error) === 'too large' && limit > 1) limit >>= 1
        else if (refusalOf(error) === 'compacted') {
          // What was read is forgotten by now: from the beginning.
          entries.length = 0
          revision = undefined
          after = ''
        } else throw error
      }
    }
  }
}
