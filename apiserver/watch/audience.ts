import type { Representation } from '../http/content-type.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { Resource } from '../registry/resource-table.ts'
import { type Selection, selects } from '../registry/selection.ts'
import { bookmarkFrame, type ChangeFrames } from './event-frames.ts'
import type { Watcher } from './watcher.ts'

/** A watcher this far behind is ended: what it misses is kept in memory for it. */
const LAG_EVENTS = 20_000
const LAG_BYTES = 32 * 1024 * 1024

/**
 * All watchers that asked for exactly the same: their events are matched and framed once, kept in one log, and each
 * watcher is a place in that log. Watchers at the same place are sent the same buffer.
 */
export class Audience {
  readonly resource: Resource
  readonly selection: Selection
  readonly representation: Representation
  readonly wantsBookmarks: boolean
  readonly watchers = new Set<Watcher>()
  readonly #frames: Buffer[] = []
  readonly #revisions: number[] = []
  #bytes = 0
  /** The position of the first frame kept. */
  #base = 0
  #joined: { from: number; to: number; bytes: Buffer } | undefined
  #lastRevision = 0

  constructor(resource: Resource, selection: Selection, representation: Representation, wantsBookmarks: boolean) {
    this.resource = resource
    this.selection = selection
    this.representation = representation
    this.wantsBookmarks = wantsBookmarks
  }

  /** The position after the newest frame. */
  get end(): number {
    return this.#base + this.#frames.length
  }

  readonly selects = (entry: StoredEntry): boolean => selects(this.resource, this.selection, entry.facts)

  /** Takes a change in; answers whether anybody here must hear of it. */
  offer(frames: ChangeFrames): boolean {
    const frame = frames.frame(this.selects, this.representation)
    if (!frame) return false
    this.#append(frame, frames.change.revision)
    return true
  }

  /** Tells how far the store is; false when there is no news in that. */
  bookmark(revision: number): boolean {
    if (!this.wantsBookmarks || revision <= this.#lastRevision) return false
    this.#append(bookmarkFrame(this.resource, revision, this.representation), revision)
    return true
  }

  /** The frames from a position to the end as one buffer, without those up to revision `skip`. */
  pending(position: number, skip: number): Buffer | undefined {
    let from = position - this.#base
    while (from < this.#frames.length && this.#revisions[from]! <= skip) from++
    if (from === this.#frames.length) return undefined
    if (from === this.#frames.length - 1) return this.#frames[from]
    const to = this.#base + this.#frames.length
    if (this.#joined?.from !== this.#base + from || this.#joined.to !== to) {
      this.#joined = { from: this.#base + from, to, bytes: Buffer.concat(this.#frames.slice(from)) }
    }
    return this.#joined.bytes
  }

  /** Forgets what everybody has; answers the watchers that are too far behind to be kept waiting for. */
  trim(): Watcher[] {
    if (this.#frames.length === 0) return []
    let oldest = this.end
    for (const watcher of this.watchers) oldest = Math.min(oldest, watcher.position)
    this.#forget(oldest - this.#base)
    this.#joined = undefined
    if (this.#frames.length <= LAG_EVENTS && this.#bytes <= LAG_BYTES) return []
    const half = this.#base + Math.ceil(this.#frames.length / 2)
    return [...this.watchers].filter((watcher) => watcher.position < half)
  }

  #append(frame: Buffer, revision: number): void {
    this.#frames.push(frame)
    this.#revisions.push(revision)
    this.#bytes += frame.length
    this.#lastRevision = revision
  }

  #forget(count: number): void {
    if (count <= 0) return
    for (const frame of this.#frames.splice(0, count)) this.#bytes -= frame.length
    this.#revisions.splice(0, count)
    this.#base += count
  }
}
