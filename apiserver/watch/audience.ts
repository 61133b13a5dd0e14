import type { Holding } from '../../shared/limits/byte-budget.ts'
import type { Representation } from '../http/content-type.ts'
import type { StoredEntry } from '../registry/object-facts.ts'
import type { Resource } from '../registry/resource-table.ts'
import { type Selection, selects } from '../registry/selection.ts'
import { bookmarkFrame, type ChangeFrames } from './event-frames.ts'
import type { Watcher } from './watcher.ts'

/** A watcher this far behind is ended: what it misses is kept in memory for it. */
const LAG_EVENTS = 20_000
const LAG_BYTES = 32 * 1024 * 1024
/** What a watcher is handed at once. All of it is encrypted and kept for a peer that does not read, so it is not much. */
const PIECE_BYTES = 64 * 1024

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
  /** Whose memory its log is: who asked for it first. */
  readonly owner: string
  /** What the server's budget knows of the log. */
  kept: Holding | undefined
  /** Frames, large ones in pieces. */
  readonly #frames: Buffer[] = []
  readonly #revisions: number[] = []
  #late: Promise<void> | undefined
  #bytes = 0
  /** The position of the first frame kept. */
  #base = 0
  #joined: { from: number; to: number; bytes: Buffer } | undefined
  #lastRevision = 0

  constructor(resource: Resource, selection: Selection, representation: Representation, wantsBookmarks: boolean, owner = '') {
    this.resource = resource
    this.selection = selection
    this.representation = representation
    this.wantsBookmarks = wantsBookmarks
    this.owner = owner
  }

  /** The position after the newest frame. */
  get end(): number {
    return this.#base + this.#frames.length
  }

  readonly selects = (entry: StoredEntry): boolean => selects(this.resource, this.selection, entry.facts)

  /** What is kept for those who are behind. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether a frame has begun before the position and goes on after it. */
  isInsideFrame(position: number): boolean {
    const at = position - this.#base
    return at > 0 && at < this.#frames.length && this.#revisions[at] === this.#revisions[at - 1]
  }

  /** Takes a change in; answers whether anybody here must hear of it. */
  offer(frames: ChangeFrames, late: (failure: unknown) => void): boolean {
    const frame = frames.frame(this.resource, this.selects, this.representation)
    if (!frame) return false
    if (this.#late || frame instanceof Promise) {
      this.#wait(frame, frames.change.revision, late)
      return false
    }
    this.#append(frame, frames.change.revision)
    return true
  }

  /** Resolves when what is being converted is in the log; undefined when nothing is. */
  get late(): Promise<void> | undefined {
    return this.#late
  }

  /** One after the other, so that the order stays. */
  #wait(frame: Buffer | Promise<Buffer>, revision: number, late: (failure: unknown) => void): void {
    const before = this.#late ?? Promise.resolve()
    // A failure is told when its turn has come; until then it is nobody's.
    const ready = Promise.resolve(frame).then(
      (bytes) => ({ bytes }),
      (failure: unknown) => ({ failure }),
    )
    const turn = before.then(async () => {
      const result = await ready
      if (this.#late === turn) this.#late = undefined
      if ('bytes' in result) this.#append(result.bytes, revision)
      late('failure' in result ? result.failure : undefined)
    })
    this.#late = turn
  }

  /** Tells how far the store is; false when there is no news in that. */
  bookmark(revision: number): boolean {
    if (!this.wantsBookmarks || this.#late || revision <= this.#lastRevision) return false
    this.#append(bookmarkFrame(this.resource, revision, this.representation), revision)
    return true
  }

  /** What comes next after a position, as one buffer of limited size and without frames up to revision `skip`; and where it ends. */
  pending(position: number, skip: number): { readonly bytes: Buffer | undefined; readonly end: number } {
    let from = position - this.#base
    while (from < this.#frames.length && this.#revisions[from]! <= skip) from++
    if (from === this.#frames.length) return { bytes: undefined, end: this.end }
    let to = from + 1
    let size = this.#frames[from]!.length
    while (to < this.#frames.length && size + this.#frames[to]!.length <= PIECE_BYTES) size += this.#frames[to++]!.length
    const end = this.#base + to
    if (to === from + 1) return { bytes: this.#frames[from], end }
    if (this.#joined?.from !== this.#base + from || this.#joined.to !== end) {
      this.#joined = { from: this.#base + from, to: end, bytes: Buffer.concat(this.#frames.slice(from, to), size) }
    }
    return { bytes: this.#joined.bytes, end }
  }

  /** Forgets what everybody has; answers the watchers that are too far behind to be kept waiting for. */
  trim(): Watcher[] {
    if (this.#frames.length === 0) return []
    let oldest = this.end
    for (const watcher of this.watchers) oldest = Math.min(oldest, watcher.position)
    this.#forget(oldest - this.#base)
    this.#joined = undefined
    if (this.#frames.length <= LAG_EVENTS && this.#bytes <= LAG_BYTES) return []
    return this.slowest()
  }

  /** Those for whom more than half of what is kept is kept. */
  slowest(): Watcher[] {
    const half = this.#base + Math.ceil(this.#frames.length / 2)
    return [...this.watchers].filter((watcher) => watcher.position < half)
  }

  #append(frame: Buffer, revision: number): void {
    for (let at = 0; at < frame.length; at += PIECE_BYTES) {
      this.#frames.push(frame.length <= PIECE_BYTES ? frame : frame.subarray(at, at + PIECE_BYTES))
      this.#revisions.push(revision)
    }
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
