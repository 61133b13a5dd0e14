export interface CacheLimits {
  /** Bytes of all entries together: two a character of the key, `ENTRY_BYTES` each, and what `set` is told. */
  readonly bytes: number
  /** Longer keys are never kept: they are no question that comes again. */
  readonly keyCharacters: number
}

/** What an entry costs besides its text. */
const ENTRY_BYTES = 128

/**
 * Remembers answers to questions that strangers word. Whatever they send, it never holds more than its bytes: the oldest entries go,
 * and who asks ever new things only makes the answers be worked out again.
 */
export class BoundedCache<V> {
  readonly #limits: CacheLimits
  readonly #entries = new Map<string, { readonly value: V; readonly bytes: number }>()
  #bytes = 0

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  /** What is held now, by the same measure as the limit. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value
  }

  /** @param weight bytes of the value beyond a small object */
  set(key: string, value: V, weight = 0): void {
    if (key.length > this.#limits.keyCharacters) return
    const bytes = key.length * 2 + ENTRY_BYTES + weight
    if (bytes > this.#limits.bytes) return
    this.delete(key)
    while (this.#bytes + bytes > this.#limits.bytes) this.delete(this.#entries.keys().next().value!)
    this.#entries.set(ownText(key), { value, bytes })
    this.#bytes += bytes
  }

  delete(key: string): void {
    const known = this.#entries.get(key)
    if (!known) return
    this.#entries.delete(key)
    this.#bytes -= known.bytes
  }

  clear(): void {
    this.#entries.clear()
    this.#bytes = 0
  }
}

/** A piece of a longer text keeps the whole of it in memory; a copy does not. UTF-16 keeps every character, also halves of pairs. */
function ownText(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}
