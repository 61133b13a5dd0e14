import { StatusError } from '../../shared/errors/status-error.ts'
import type { ByteBudget } from '../../shared/limits/byte-budget.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock, Timer } from '../../shared/time/clock.ts'
import type { Representation } from '../http/content-type.ts'
import type { Reply } from '../http/exchange.ts'
import { joinWatchEvent } from '../protobuf/encode-protobuf.ts'
import type { ObjectFacts } from '../registry/object-facts.ts'
import type { ObjectStore } from '../registry/read-object.ts'
import type { Resource } from '../registry/resource-table.ts'
import type { Selection } from '../registry/selection.ts'
import { shownEntries } from '../registry/versions.ts'
import { refuseUnreadable } from '../storage/encryption/unreadable-entry.ts'
import { UnreadableValue } from '../storage/encryption/unreadable-value.ts'
import { resourcePrefix } from '../storage/keys.ts'
import { type Change, RevisionCompacted, type Storage, type Subscription } from '../storage/storage.ts'
import { Audience } from './audience.ts'
import { bookmarkFrame, ChangeFrames, errorFrame, eventFrame, streamTypeOf } from './event-frames.ts'
import { TellingCount, type Told } from './telling-count.ts'
import { WatchIndex } from './watch-index.ts'
import { Watcher, type WatcherListener } from './watcher.ts'

/** A watch, as asked for. */
export interface WatchWish {
  readonly resource: Resource
  readonly selection: Selection
  readonly representation: Representation
  readonly allowBookmarks: boolean
  /**
   * `from`: every change after a revision. `state`: everything there is as ADDED, then changes; `endMark` adds the bookmark
   * that says where the state ends.
   */
  readonly start: { readonly from: number } | { readonly state: true; readonly endMark: boolean }
  readonly timeoutMilliseconds: number
  /** Whose watch it is. */
  readonly owner: string
}

const BOOKMARK_INTERVAL = 60_000
/** How long one turn of the fan-out may take before requests get theirs. */
const TURN_MILLISECONDS = 0.1
/** The clock is looked at after this many watchers. */
const TURN_STEP = 3
/** A round shorter than this (milliseconds) is followed by the next at once. */
const SHORT_ROUND = 0.5

type AudienceWords = Pick<WatchWish, 'resource' | 'selection' | 'representation' | 'allowBookmarks'>

/** Equal for watches that are sent the same. A kind that is served in another form since is another one. */
function audienceKey({ resource, selection, representation, allowBookmarks }: AudienceWords): string {
  return `${resource.apiVersion}/${resource.plural}|${selection.key}|${representation.key}|${allowBookmarks}`
}

export interface WatchBounds {
  /** Of everything that waits to be sent. */
  readonly unsent: ByteBudget
  readonly watchesPerUser: number
}

export interface WatchHubOptions {
  readonly store: ObjectStore
  readonly bounds: WatchBounds
  readonly clock: Clock
  readonly log: Logger
  readonly told?: ((revision: number, told: Told) => void) | undefined
}

/** Characters of selectors that a watch may have; more of them count as more watches. */
const SELECTOR_CHARACTERS = 4 * 1024

/**
 * Sends every change of the store to the watchers it concerns, once and in order. Each watcher that has something pending
 * gets all of it in one write when its turn comes; with nobody waiting, that is at once. Rounds that take long are followed by
 * a pause of the same length: writers are never held up by more than half, and what they do meanwhile goes out in one piece.
 */
export class WatchHub {
  readonly #storage: Storage<ObjectFacts>
  readonly #clock: Clock
  readonly #indexes = new Map<string, WatchIndex>()
  readonly #audiences = new Map<string, Audience>()
  /** Watchers with something to write: those of the round that is going on, and those of the next. */
  #round = new Set<Watcher>()
  #waiting = new Set<Watcher>()
  #roundMilliseconds = 0
  readonly #touched = new Set<Audience>()
  #isDraining = false
  #delivered = 0
  #subscription: Subscription | undefined
  #bookmarks: Timer | undefined
  #size = 0
  #isStopped = false
  readonly #log: Logger
  readonly #horizon: () => number

  readonly #bounds: WatchBounds
  readonly #store: ObjectStore
  readonly #told: WatchHubOptions['told']
  /** Open watches of each user, long selectors counted for more. */
  readonly #owners = new Map<string, number>()

  constructor({ store, bounds, clock, log, told }: WatchHubOptions) {
    this.#told = told
    this.#log = log
    this.#store = store
    this.#bounds = bounds
    this.#storage = store.storage
    this.#horizon = store.horizon
    this.#clock = clock
  }

  /** Open watches. */
  get size(): number {
    return this.#size
  }

  start(): void {
    this.#delivered = this.#storage.revision
    this.#subscribe()
    this.#bookmarks = this.#clock.every(BOOKMARK_INTERVAL, () => this.#bookmarkAll())
  }

  /** When the store ends our subscription, no open watch can be continued without a gap: clients come back and resume or list. */
  #subscribe(): void {
    this.#subscription = this.#storage.subscribe(
      this.#delivered,
      (changes) => this.#deliver(changes),
      (reason) => {
        if (this.#isStopped) return
        this.#log.error('the store ended the stream of changes; every watch is broken off', { error: reason })
        for (const audience of this.#audiences.values()) for (const watcher of audience.watchers) watcher.abort()
        this.#delivered = this.#storage.revision
        this.#subscribe()
      },
    )
  }

  /** Ends every watch in order: clients come back with the revision they have. */
  stop(): void {
    this.#isStopped = true
    this.#subscription?.close()
    this.#bookmarks?.cancel()
    for (const audience of this.#audiences.values()) for (const watcher of audience.watchers) watcher.finish()
  }

  /** Serves one watch until it ends; the answer has begun when this returns. @throws StatusError Expired */
  async open(wish: WatchWish, reply: Reply): Promise<void> {
    const { start } = wish
    if ('from' in start) await this.#store.ready(start.from)
    const problem = 'from' in start ? this.#problemWith(start.from) : undefined
    if (problem) {
      reply.begin(200, streamTypeOf(wish.representation))
      reply.write(errorFrame(new StatusError('Expired', problem).toStatus(), wish.representation))
      return reply.end()
    }
    const leave = this.#countIn(wish)
    reply.onClose(leave)
    reply.begin(200, streamTypeOf(wish.representation))
    // Who comes while something is being converted would hear of it twice.
    for (let late = this.#lateOf(wish); late; late = this.#lateOf(wish)) await late
    const audience = this.#audienceOf(wish)
    // Everything up to `known` comes before the log; what the log brings again of it is skipped.
    const known = 'from' in start ? start.from : this.#storage.revision
    const watcher = new Watcher(audience, reply, known, this.#listener)
    audience.watchers.add(watcher)
    this.#size++
    if (watcher.isOver) return this.#leave(watcher)
    watcher.endWith(this.#clock.after(wish.timeoutMilliseconds, () => watcher.finish(this.#lastBookmark(audience))))
    try {
      if (!('from' in start)) return watcher.begin(await this.#state(wish, known, start.endMark))
      if (start.from >= this.#delivered) return watcher.begin([])
      watcher.begin(await this.#history(audience, start.from, this.#delivered))
    } catch (error) {
      // The present may be readable where the past is not: who is told that it is gone lists again.
      const isGone = error instanceof RevisionCompacted || (error instanceof UnreadableValue && 'from' in start)
      const told = isGone ? new StatusError('Expired', error.message, { cause: error }) : error
      if (told instanceof StatusError) return watcher.refuse(errorFrame(told.toStatus(), wish.representation))
      watcher.abort()
      throw error
    }
  }

  /**
   * Behind the horizon, or ahead of the store: then the store is not the one the client knew (restored, made anew), and waiting
   * for its revision would be waiting with a cache of another world.
   */
  #problemWith(revision: number): string | undefined {
    if (revision < this.#horizon()) return `too old resource version: ${revision} (${this.#horizon()})`
    if (revision > this.#storage.revision) return `resource version of another store: ${revision}, current: ${this.#storage.revision}`
    return undefined
  }

  async #state(wish: WatchWish, revision: number, endMark: boolean): Promise<Iterable<Buffer>> {
    const { resource, selection, representation } = wish
    const prefix = selection.namespace === '' ? resource.prefix : `${resource.prefix}${selection.namespace}/`
    const selected = await this.#store.selected(this.#storage.page(prefix, {}).entries, resource, selection)
    const entries = resource.custom && representation.shape !== 'metadata' ? await shownEntries(resource, selected) : selected
    const now = this.#clock.now()
    refuseUnreadable(entries)
    const { encoded } = this.#store
    const isKept = representation.format === 'protobuf' && representation.shape === 'object'
    return (function* () {
      for (const entry of entries) {
        if (isKept) yield joinWatchEvent('ADDED', resource, encoded.itemOf(resource, entry))
        else yield eventFrame(resource, 'ADDED', entry.value, representation, now)
      }
      if (endMark) yield bookmarkFrame(resource, revision, representation, true)
    })()
  }

  /** @throws StatusError TooManyRequests */
  #countIn({ owner, selection }: WatchWish): () => void {
    const weight = 1 + Math.floor(selection.key.length / SELECTOR_CHARACTERS)
    const count = (this.#owners.get(owner) ?? 0) + weight
    const { watchesPerUser } = this.#bounds
    if (count > watchesPerUser) {
      const message = `${JSON.stringify(owner)} has too many watches open: ${watchesPerUser} at most, and long selectors count for more`
      throw new StatusError('TooManyRequests', message, { details: { retryAfterSeconds: 10 } })
    }
    this.#owners.set(owner, count)
    return () => {
      const left = (this.#owners.get(owner) ?? 0) - weight
      if (left > 0) this.#owners.set(owner, left)
      else this.#owners.delete(owner)
    }
  }

  async #history(audience: Audience, from: number, to: number): Promise<Buffer[]> {
    const frames: Buffer[] = []
    const now = this.#clock.now()
    for await (const change of this.#storage.changes(from, to)) {
      if (!change.key.startsWith(audience.resource.prefix)) continue
      const made = new ChangeFrames(change, now).frame(audience.resource, audience.selects, audience.representation)
      const frame = made instanceof Promise ? await made : made
      if (frame) frames.push(frame)
    }
    return frames
  }

  #deliver(changes: readonly Change<ObjectFacts>[]): void {
    const now = this.#clock.now()
    for (const change of changes) {
      this.#delivered = change.revision
      const prefix = resourcePrefix(change.key)
      const index = this.#indexes.get(prefix)
      if (!index) continue
      const frames = new ChangeFrames(change, now)
      const told = new TellingCount()
      for (const audience of index.candidates(change)) {
        if (!audience.offer(frames, (failure) => this.#comesLate(audience, failure))) continue
        this.#touch(audience)
        told.count(audience)
      }
      if (told.watches > 0) this.#told?.(change.revision, told.of(now - change.time))
    }
    this.#drain()
  }

  /** Something was converted, or could not be: then the watches cannot go on without a gap, and are told why. */
  #comesLate(audience: Audience, failure: unknown): void {
    if (failure === undefined) {
      this.#touch(audience)
      return this.#drain()
    }
    this.#log.warn('an event could not be converted; the watches on it end', { kind: audience.resource.kind, error: failure })
    const status = failure instanceof StatusError ? failure.toStatus() : new StatusError('InternalError', 'conversion failed').toStatus()
    for (const watcher of audience.watchers) watcher.finish(errorFrame(status, audience.representation))
  }

  #lateOf(wish: WatchWish): Promise<void> | undefined {
    return this.#audiences.get(audienceKey(wish))?.late
  }

  /** Ends the watches on resources that are not served any more, or in another form: clients come back and see what there is. */
  endWatches(retired: readonly Resource[]): void {
    for (const audience of this.#audiences.values()) {
      if (retired.includes(audience.resource)) for (const watcher of audience.watchers) watcher.finish()
    }
  }

  #bookmarkAll(): void {
    for (const audience of this.#audiences.values()) if (audience.bookmark(this.#delivered)) this.#touch(audience)
    this.#drain()
  }

  #touch(audience: Audience): void {
    this.#touched.add(audience)
    for (const watcher of audience.watchers) this.#waiting.add(watcher)
  }

  #drain(): void {
    if (this.#isDraining || this.#waiting.size === 0) return
    this.#isDraining = true
    const next = this.#waiting
    this.#waiting = this.#round
    this.#round = next
    this.#roundMilliseconds = 0
    this.#turn()
  }

  #turn(): void {
    const start = this.#clock.monotonic()
    let now = start
    let count = 0
    for (const watcher of this.#round) {
      this.#round.delete(watcher)
      this.#waiting.delete(watcher)
      this.#pump(watcher)
      if (++count % TURN_STEP !== 0) continue
      now = this.#clock.monotonic()
      if (now - start > TURN_MILLISECONDS) break
    }
    this.#roundMilliseconds += now - start
    if (this.#round.size > 0) setImmediate(() => this.#turn())
    else this.#endRound()
  }

  #endRound(): void {
    const audiences = [...this.#touched]
    this.#touched.clear()
    for (const audience of audiences) this.#trim(audience)
    for (const { audience } of this.#waiting) this.#touched.add(audience)
    if (this.#roundMilliseconds < SHORT_ROUND) return this.#rested()
    this.#clock.after(this.#roundMilliseconds, () => this.#rested())
  }

  readonly #listener: WatcherListener = {
    over: (watcher) => this.#leave(watcher),
    caughtUp: ({ audience }) => this.#trim(audience),
  }

  /** Forgets what everybody has, and counts what is kept for the slow ones. */
  #trim(audience: Audience): void {
    for (const slow of audience.trim()) slow.abort()
    const { unsent } = this.#bounds
    const { bytes, kept } = audience
    if (kept && unsent.isHeld(kept)) {
      if (bytes > 0) unsent.grow(kept, bytes - kept.bytes)
      else unsent.release(kept)
    } else if (bytes > 0) {
      audience.kept = unsent.hold(audience.owner, bytes, () => this.#cutOff(audience))
    }
  }

  /** There is no room for what the slowest have not read. */
  #cutOff(audience: Audience): void {
    for (const slow of audience.slowest()) slow.abort()
    for (const slow of audience.trim()) slow.abort()
  }

  #rested(): void {
    this.#isDraining = false
    if (this.#waiting.size > 0) setImmediate(() => this.#drain())
  }

  /** What goes wrong with one watcher must not reach the others. */
  #pump(watcher: Watcher): void {
    try {
      watcher.pump()
    } catch (error) {
      this.#log.error('a watch failed and is broken off', { error })
      watcher.abort()
    }
  }

  #lastBookmark(audience: Audience): Buffer | undefined {
    return audience.wantsBookmarks ? bookmarkFrame(audience.resource, this.#delivered, audience.representation) : undefined
  }

  #audienceOf(wish: WatchWish): Audience {
    const { resource, selection, representation, allowBookmarks, owner } = wish
    const key = audienceKey(wish)
    const known = this.#audiences.get(key)
    if (known?.resource === resource) return known
    const audience = new Audience(resource, selection, representation, allowBookmarks, owner)
    this.#audiences.set(key, audience)
    const index = this.#indexes.get(resource.prefix) ?? new WatchIndex(resource)
    this.#indexes.set(resource.prefix, index)
    index.add(audience)
    return audience
  }

  #leave(watcher: Watcher): void {
    const { audience } = watcher
    this.#waiting.delete(watcher)
    this.#round.delete(watcher)
    if (!audience.watchers.delete(watcher)) return
    this.#size--
    if (audience.watchers.size > 0) return
    if (audience.kept) this.#bounds.unsent.release(audience.kept)
    const { resource, selection, representation, wantsBookmarks: allowBookmarks } = audience
    const key = audienceKey({ resource, selection, representation, allowBookmarks })
    if (this.#audiences.get(key) === audience) this.#audiences.delete(key)
    const index = this.#indexes.get(resource.prefix)
    index?.remove(audience)
    if (index?.size === 0) this.#indexes.delete(resource.prefix)
  }
}
