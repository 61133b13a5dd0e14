import type { Entry } from './storage.ts'

/** An entry read back from the medium. Its facts are computed when first asked for: most that are loaded at start are only ever listed. */
export class StoredEntry<F> implements Entry<F> {
  readonly key: string
  readonly value: Buffer
  readonly revision: number
  readonly createRevision: number
  readonly #compute: (key: string, value: Buffer) => F
  #facts: { readonly value: F } | undefined

  constructor(entry: Omit<Entry, 'facts'>, compute: (key: string, value: Buffer) => F) {
    this.key = entry.key
    this.value = entry.value
    this.revision = entry.revision
    this.createRevision = entry.createRevision
    this.#compute = compute
  }

  get facts(): F {
    this.#facts ??= { value: this.#compute(this.key, this.value) }
    return this.#facts.value
  }
}

/**
 * What watchers are sent of something that was removed: what was there, under the revision of the removal. Its bytes are made when they are first asked
 * for, because those of another server's key may not open here.
 */
export function lastState<F>(previous: Entry<F>, revision: number, restamp: (value: Buffer, revision: number) => Buffer): Entry<F> {
  const { key, createRevision } = previous
  let value: Buffer | undefined
  return {
    ...{ key, revision, createRevision },
    get value() {
      value ??= restamp(previous.value, revision)
      return value
    },
    get facts() {
      return previous.facts
    },
  }
}
