import { UnreadableEntry } from '../encryption/unreadable-entry.ts'
import type { StoredForm } from '../encryption/value-transformer.ts'
import type { Entry, StorageOptions } from '../storage.ts'
import { StoredEntry } from '../stored-entry.ts'
import type { EtcdKeys } from './etcd-keys.ts'
import type { EtcdLink } from './etcd-link.ts'
import type { KeyValue } from './etcd-messages.ts'

/** Bytes at the beginning of a stored value that tell its form. */
const HEAD = 256

/**
 * Entries from what lies in etcd: encrypted where that is asked for, and without a revision, which etcd gives at the commit and which is put in when the
 * bytes come back.
 */
export class EtcdEntries<F> {
  readonly #options: StorageOptions<F>
  readonly #keys: EtcdKeys
  readonly #link: EtcdLink
  /** How stored values begin that are not as their entries are. */
  readonly #heads = new WeakMap<Entry<F>, Buffer>()

  constructor(options: StorageOptions<F>, keys: EtcdKeys, link: EtcdLink) {
    this.#options = options
    this.#keys = keys
    this.#link = link
  }

  /** The bytes to lie in etcd, of an object without a revision. */
  toStorage(key: string, value: Buffer): Buffer {
    return this.#options.transformer?.toStorage(key, value) ?? value
  }

  /** Undefined for what is no object. `facts`: where they are known already. */
  entryOf(kv: KeyValue, facts?: F): Entry<F> | undefined {
    const key = this.#keys.objectKey(kv.key)
    if (key === undefined) return undefined
    const place = { key, revision: this.#link.ours(kv.modRevision), createRevision: this.#link.ours(kv.createRevision) }
    const { entry, isPlain } = this.#opened(place, kv.value, facts)
    if (!isPlain) this.#heads.set(entry, Buffer.from(kv.value.subarray(0, HEAD)))
    return entry
  }

  formOf(entry: Entry<F>): StoredForm {
    const { transformer } = this.#options
    return transformer === undefined ? 'newest' : transformer.formOf(entry.key, this.#heads.get(entry) ?? entry.value)
  }

  #opened(place: Omit<Entry, 'value' | 'facts'>, stored: Buffer, facts: F | undefined): { entry: Entry<F>; isPlain: boolean } {
    const { restamp, transformer, facts: compute } = this.#options
    const open = () => transformer?.fromStorage(place.key, stored) ?? stored
    try {
      const plain = open()
      const value = restamp(plain, place.revision)
      const entry = facts === undefined ? new StoredEntry({ ...place, value }, compute) : { ...place, value, facts }
      return { entry, isPlain: plain === stored }
    } catch {
      // Told to whoever asks for it: one value must not keep the others from being read.
      return { entry: new UnreadableEntry(place, () => restamp(open(), place.revision), compute), isPlain: false }
    }
  }
}
