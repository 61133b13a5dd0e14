import type { KeyRange } from './etcd-messages.ts'

/**
 * Where things lie in etcd. Objects are at `<prefix>/objects/<key>`, so that people find them with etcdctl; what the store itself keeps lies beside them.
 */
export class EtcdKeys {
  readonly prefix: string
  /** What store this is (store-record.ts). */
  readonly record: Buffer
  /** Written where a revision is needed that the mirror is sure to see. */
  readonly marker: Buffer
  /** Everything of this store. */
  readonly all: KeyRange
  /** What is held by objects (claims.ts): at `<prefix>/claims/<sort>/<name>`, with the key of its holder. */
  readonly claims: KeyRange
  readonly #objects: string
  readonly #claims: string

  /** @param prefix without a slash at its end */
  constructor(prefix: string) {
    this.prefix = prefix
    this.record = Buffer.from(`${prefix}/store`)
    this.marker = Buffer.from(`${prefix}/marker`)
    this.all = { key: Buffer.from(`${prefix}/`), rangeEnd: Buffer.from(`${prefix}0`) }
    this.#objects = `${prefix}/objects/`
    this.#claims = `${prefix}/claims/`
    this.claims = { key: Buffer.from(this.#claims), rangeEnd: Buffer.from(`${prefix}/claims0`) }
  }

  of(key: string): Buffer {
    return Buffer.from(this.#objects + key)
  }

  claim(name: string): Buffer {
    return Buffer.from(this.#claims + name)
  }

  /** The name of a claim that was found in the range of all. */
  claimName(key: Buffer): string {
    return key.toString().slice(this.#claims.length)
  }

  /** The store's key of an object; undefined for what is none. */
  objectKey(key: Buffer): string | undefined {
    const text = key.toString()
    return text.startsWith(this.#objects) ? text.slice(this.#objects.length) : undefined
  }

  /** The objects under a prefix of keys (empty, or ending in a slash), after one of them where that is given. */
  objects(prefix: string, after = ''): KeyRange {
    const all = this.#objects + prefix
    const key = after > prefix ? `${this.#objects}${after}\0` : all
    return { key: Buffer.from(key), rangeEnd: Buffer.from(`${all.slice(0, -1)}0`) }
  }
}
