import { BoundedCache } from '../../shared/limits/bounded-cache.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { encodeItem } from '../protobuf/encode-protobuf.ts'
import type { StoredEntry } from './object-facts.ts'
import type { Resource } from './resource-table.ts'
import { asServed } from './versions.ts'

/** 10,000 pods that are not small; what is changed or not asked for again goes first. */
const BYTES = 32 * 1024 * 1024
/** No kind and name are longer. */
const KEY_CHARACTERS = 1024

/**
 * Stored objects in protobuf, as `encodeItem` makes them: what many informers that begin at once list or watch is encoded once. Only what
 * protobuf clients ask for is ever in it.
 */
export class EncodedObjects {
  readonly #items = new BoundedCache<Buffer>({ bytes: BYTES, keyCharacters: KEY_CHARACTERS })

  /** What is kept now. */
  get bytes(): number {
    return this.#items.bytes
  }

  /** @param entry as the store has it: a change of it is another revision */
  itemOf(resource: Resource, { key, revision, value }: StoredEntry): Buffer {
    const name = `${resource.apiVersion} ${key} ${revision}`
    const known = this.#items.get(name)
    if (known) return known
    const item = encodeItem(resource, asServed(resource, JSON.parse(value.toString()) as KubeObject))
    this.#items.set(name, item, item.length)
    return item
  }
}
