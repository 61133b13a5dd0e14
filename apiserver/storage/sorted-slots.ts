import type { Entry } from './storage.ts'

/** A place in the order; the entry in it is replaced in O(1) when the object changes. */
export interface Slot<F> {
  readonly key: string
  entry: Entry<F>
}

/** Chunks are split when longer than this; 512 keeps an insertion to a few hundred moved pointers at any size. */
const LONGEST_CHUNK = 512

/**
 * Slots in key order: a list of short sorted arrays. Insertion and removal cost a binary search and a short move,
 * also with 100,000 keys, where one flat array would move half a megabyte each time.
 */
export class SortedSlots<F> {
  readonly #chunks: Slot<F>[][] = []

  insert(slot: Slot<F>): void {
    const at = Math.min(this.#chunkOf(slot.key), this.#chunks.length - 1)
    const chunk = this.#chunks[at]
    if (chunk === undefined) {
      this.#chunks.push([slot])
      return
    }
    chunk.splice(lowerBound(chunk, slot.key), 0, slot)
    if (chunk.length > LONGEST_CHUNK) {
      // Keys often arrive in order; leaving the left part full keeps chunks dense then.
      const right = chunk.splice(at === this.#chunks.length - 1 ? LONGEST_CHUNK - 32 : LONGEST_CHUNK >> 1)
      this.#chunks.splice(at + 1, 0, right)
    }
  }

  remove(key: string): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    const index = lowerBound(chunk, key)
    if (chunk[index]?.key !== key) return
    chunk.splice(index, 1)
    if (chunk.length === 0) this.#chunks.splice(at, 1)
  }

  /** How many keys are smaller than `key`. */
  rank(key: string): number {
    const at = this.#chunkOf(key)
    let before = 0
    for (let index = 0; index < at; index++) before += this.#chunks[index]!.length
    const chunk = this.#chunks[at]
    return chunk === undefined ? before : before + lowerBound(chunk, key)
  }

  /** The entries with `from` ≤ key < `to`, in order. Must not be interleaved with changes. */
  *range(from: string, to: string): Generator<Entry<F>, void, undefined> {
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!
      const whole = chunk[chunk.length - 1]!.key < to
      for (let index = chunk[0]!.key < from ? lowerBound(chunk, from) : 0; index < chunk.length; index++) {
        const slot = chunk[index]!
        if (!whole && slot.key >= to) return
        yield slot.entry
      }
    }
  }

  /** As `range`, all at once: a generator takes ten times as long over 100,000 entries, in one piece. */
  collect(from: string, to: string, into: Entry<F>[]): void {
    for (let at = this.#chunkOf(from); at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!
      const isLast = chunk[chunk.length - 1]!.key >= to
      const end = isLast ? lowerBound(chunk, to) : chunk.length
      for (let index = chunk[0]!.key < from ? lowerBound(chunk, from) : 0; index < end; index++) into.push(chunk[index]!.entry)
      if (isLast) return
    }
  }

  /** The first chunk whose last key is not smaller than `key`; one past the end when there is none. */
  #chunkOf(key: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      const chunk = this.#chunks[middle]!
      if (chunk[chunk.length - 1]!.key < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

function lowerBound<F>(chunk: readonly Slot<F>[], key: string): number {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (chunk[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}
