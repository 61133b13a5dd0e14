import type { Change, Entry } from './storage.ts'

/** How much of the newest past stays in memory. */
export interface RecentLimits {
  readonly changes: number
  /** Bytes of values, those that were replaced included. */
  readonly bytes: number
}

export const DEFAULT_RECENT: RecentLimits = { changes: 10_000, bytes: 16 * 2 ** 20 }

/**
 * The newest changes, none left out: what lets most watches resume and most continued lists
 * go on without a look at the disk.
 */
export class RecentChanges<F> {
  readonly #limits: RecentLimits
  #items: (Change<F> | undefined)[] = []
  #offset = 0
  #bytes = 0
  /** The revision before the oldest change kept. */
  #start: number

  constructor(revision: number, limits: RecentLimits) {
    this.#start = revision
    this.#limits = limits
  }

  /** The revision of the newest change; where none is kept, one that no change is after. */
  get newest(): number {
    return this.#items[this.#items.length - 1]?.revision ?? this.#start
  }

  /** True when every change after `revision` is here. */
  covers(revision: number): boolean {
    return revision >= this.#start
  }

  /** Every change after `revision`, which must be covered. */
  after(revision: number): Change<F>[] {
    return this.#items.slice(this.#firstAfter(revision)) as Change<F>[]
  }

  /** The revision after which every change is here. */
  get start(): number {
    return this.#start
  }

  /** Whether these would fit beside those that are kept. */
  hasRoomFor(changes: readonly Change<F>[]): boolean {
    const { changes: most, bytes } = this.#limits
    const count = this.#items.length - this.#offset + changes.length
    return count <= most && this.#bytes + sumOf(changes) <= bytes
  }

  /** Adds every change after `from` up to `to`, in order. Nothing comes of it when the oldest that are kept do not begin at `to` any more. */
  prepend(changes: readonly Change<F>[], from: number, to: number): void {
    if (to !== this.#start || !this.hasRoomFor(changes)) return
    this.#items = [...changes, ...this.#items.slice(this.#offset)]
    this.#offset = 0
    this.#bytes += sumOf(changes)
    this.#start = from
  }

  append(change: Change<F>): void {
    this.#items.push(change)
    this.#bytes += sizeOf(change)
    while (this.#items.length - this.#offset > this.#limits.changes || this.#bytes > this.#limits.bytes) this.#drop()
  }

  /** Forgets the changes up to and including `revision`. */
  forget(revision: number): void {
    while (this.#start < revision && this.#offset < this.#items.length) this.#drop()
    this.#start = Math.max(this.#start, revision)
  }

  #firstAfter(revision: number): number {
    // Without gaps it is where arithmetic says.
    const guess = this.#offset + revision - this.#start
    if (revision === this.#start || this.#items[guess - 1]?.revision === revision) return guess
    let low = this.#offset
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#items[middle]!.revision <= revision) low = middle + 1
      else high = middle
    }
    return low
  }

  #drop(): void {
    const oldest = this.#items[this.#offset]
    if (oldest === undefined) return
    this.#bytes -= sizeOf(oldest)
    this.#items[this.#offset] = undefined
    this.#offset += 1
    this.#start = oldest.revision
    if (this.#offset > 1024 && this.#offset * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#offset)
      this.#offset = 0
    }
  }
}

function sumOf(changes: readonly Change<unknown>[]): number {
  return changes.reduce((sum, change) => sum + sizeOf(change), 0)
}

function sizeOf(change: Change<unknown>): number {
  return bytesOf(change.entry) + (change.previous ? bytesOf(change.previous) : 0)
}

/** Of a value; 0 for one that does not open. */
export function bytesOf(entry: Entry): number {
  try {
    return entry.value.length
  } catch {
    return 0 // it does not open: told to whoever asks for it
  }
}
