/** Bytes that somebody keeps here. */
export interface Holding {
  readonly owner: string
  readonly bytes: number
}

interface Entry extends Holding {
  bytes: number
  readonly end: (() => void) | undefined
}

/**
 * One bound on the memory of all that waits (to be sent, to be worked on), whoever it waits for. When it is passed, the owner who keeps
 * most loses what has waited longest, and so on until there is room: the slowest go first, and nobody pays for somebody else.
 */
export class ByteBudget {
  readonly #limit: number
  /** Oldest first. */
  readonly #entries = new Set<Entry>()
  #bytes = 0
  #ended = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** What is kept now. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many were ended for want of room. */
  get ended(): number {
    return this.#ended
  }

  /** @param end frees the memory; it need not call `release`. Absent: what is kept cannot be given up any more. */
  hold(owner: string, bytes: number, end: (() => void) | undefined): Holding {
    const entry: Entry = { owner, bytes: 0, end }
    this.#entries.add(entry)
    this.grow(entry, bytes)
    return entry
  }

  /** More (or, below 0, less) for the same. Afterwards it may have been ended. */
  grow(holding: Holding, bytes: number): void {
    const entry = this.#entryOf(holding)
    if (!entry) return
    entry.bytes += bytes
    this.#bytes += bytes
    while (this.#bytes > this.#limit) {
      const slowest = this.#slowest()
      if (!slowest) return
      this.release(slowest)
      this.#ended++
      slowest.end?.()
    }
  }

  /** False when it was released, or ended for want of room. */
  isHeld(holding: Holding): boolean {
    return this.#entryOf(holding) !== undefined
  }

  /** Idempotent. */
  release(holding: Holding): void {
    const entry = this.#entryOf(holding)
    if (!entry) return
    this.#entries.delete(entry)
    this.#bytes -= entry.bytes
  }

  /** The oldest of the heaviest owner that can be ended. */
  #slowest(): Entry | undefined {
    const owners = new Map<string, { bytes: number; oldest: Entry | undefined }>()
    for (const entry of this.#entries) {
      const known = owners.get(entry.owner) ?? { bytes: 0, oldest: undefined }
      known.bytes += entry.bytes
      if (entry.end && entry.bytes > 0) known.oldest ??= entry
      owners.set(entry.owner, known)
    }
    let heaviest: { bytes: number; oldest: Entry | undefined } | undefined
    for (const owner of owners.values()) if (owner.oldest && (!heaviest || owner.bytes > heaviest.bytes)) heaviest = owner
    return heaviest?.oldest
  }

  #entryOf(holding: Holding): Entry | undefined {
    return this.#entries.has(holding as Entry) ? (holding as Entry) : undefined
  }
}
