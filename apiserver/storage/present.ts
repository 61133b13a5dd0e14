import { resourcePrefix } from './keys.ts'
import { type Slot, SortedSlots } from './sorted-slots.ts'
import type { Entry, Page } from './storage.ts'

interface Bucket<F> {
  readonly prefix: string
  readonly slots: Map<string, Slot<F>>
  readonly order: SortedSlots<F>
  /** Counts changes. */
  version: number
}

/**
 * The newest state of every key, in memory and in key order. One bucket for each resource, so that the cost of a
 * list does not depend on what else is stored. Everything is synchronous; nothing here knows of durability.
 */
export class Present<F> {
  readonly #buckets = new Map<string, Bucket<F>>()

  get(key: string): Entry<F> | undefined {
    return this.#buckets.get(resourcePrefix(key))?.slots.get(key)?.entry
  }

  set(entry: Entry<F>): void {
    const bucket = this.#bucket(resourcePrefix(entry.key))
    bucket.version++
    const slot = bucket.slots.get(entry.key)
    if (slot !== undefined) {
      slot.entry = entry
      return
    }
    const added = { key: entry.key, entry }
    bucket.slots.set(entry.key, added)
    bucket.order.insert(added)
  }

  delete(key: string): void {
    const bucket = this.#buckets.get(resourcePrefix(key))
    if (!bucket?.slots.delete(key)) return
    bucket.version++
    bucket.order.remove(key)
  }

  /** A number that is another one after every change of the resource. */
  version(prefix: string): number {
    return this.#buckets.get(prefix)?.version ?? 0
  }

  /** The entries of a prefix in key order, beginning after the key `after`. */
  *entries(prefix: string, after = ''): Generator<Entry<F>, void, undefined> {
    const from = startOf(prefix, after)
    const to = endOf(prefix)
    for (const bucket of this.#bucketsOf(prefix)) {
      if (bucket.prefix < to && endOf(bucket.prefix) > from) yield* bucket.order.range(from, to)
    }
  }

  count(prefix: string, after = ''): number {
    const from = startOf(prefix, after)
    const to = endOf(prefix)
    let count = 0
    for (const bucket of this.#bucketsOf(prefix)) {
      const whole = from <= bucket.prefix && endOf(bucket.prefix) <= to
      count += whole ? bucket.slots.size : Math.max(0, bucket.order.rank(to) - bucket.order.rank(from))
    }
    return count
  }

  page(prefix: string, { after, limit }: { after?: string | undefined; limit?: number | undefined }): Page<F> {
    if (limit === undefined || limit <= 0) return { entries: this.#all(prefix, after), more: false, remaining: 0 }
    const entries: Entry<F>[] = []
    for (const entry of this.entries(prefix, after)) {
      if (entries.push(entry) >= limit) break
    }
    const remaining = entries.length < limit ? 0 : this.count(prefix, entries[entries.length - 1]!.key)
    return { entries, more: remaining > 0, remaining }
  }

  #all(prefix: string, after = ''): Entry<F>[] {
    const from = startOf(prefix, after)
    const to = endOf(prefix)
    const entries: Entry<F>[] = []
    for (const bucket of this.#bucketsOf(prefix)) {
      if (bucket.prefix < to && endOf(bucket.prefix) > from) bucket.order.collect(from, to, entries)
    }
    return entries
  }

  #bucket(prefix: string): Bucket<F> {
    let bucket = this.#buckets.get(prefix)
    if (bucket === undefined) this.#buckets.set(prefix, (bucket = { prefix, slots: new Map(), order: new SortedSlots(), version: 0 }))
    return bucket
  }

  /** One bucket for any prefix that names a resource; several, sorted, for `core/` or the empty prefix. */
  #bucketsOf(prefix: string): Bucket<F>[] {
    if (prefix !== '' && !prefix.endsWith('/')) throw new TypeError(`a prefix ends with a slash: ${JSON.stringify(prefix)}`)
    const second = prefix.indexOf('/', prefix.indexOf('/') + 1)
    if (second > 0) {
      const bucket = this.#buckets.get(prefix.slice(0, second + 1))
      return bucket === undefined ? [] : [bucket]
    }
    return [...this.#buckets.values()].filter((bucket) => bucket.prefix.startsWith(prefix)).sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
  }
}

/** The smallest text after `after` and not before the prefix. */
function startOf(prefix: string, after: string): string {
  const next = `${after}\0`
  return after !== '' && next > prefix ? next : prefix
}

/** The smallest text after everything that begins with the prefix: `/` is followed by `0`. */
function endOf(prefix: string): string {
  return prefix === '' ? '\uffff' : `${prefix.slice(0, -1)}0`
}
