import { itemKey } from './equality.ts'
import type { Meter } from './meter.ts'
import type { ListType } from './type.ts'
import { CelList, type Value } from './value.ts'

/**
 * Two lists whose items have keys, made one as server-side apply would: items of the second take the places of those with the same key,
 * new ones follow.
 */
export function joined(a: CelList, b: CelList, keys: NonNullable<ListType['keys']>, meter: Meter): CelList {
  const items = new Map<string, Value>()
  for (const item of a) items.set(itemKey(item, keys, meter), item)
  for (const item of b) items.set(itemKey(item, keys, meter), item)
  return new KeyedList([...items.values()], keys)
}

class KeyedList extends CelList {
  override readonly keys: ListType['keys']
  readonly #items: readonly Value[]

  constructor(items: readonly Value[], keys: NonNullable<ListType['keys']>) {
    super()
    this.#items = items
    this.keys = keys
  }

  override get size(): number {
    return this.#items.length
  }

  override at(index: number): Value {
    return this.#items[index]!
  }
}
