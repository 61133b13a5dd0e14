/** A binary heap: `pop` gives the element that comes before all others. */
export class Heap<T> {
  readonly #before: (left: T, right: T) => boolean
  readonly #items: T[] = []

  constructor(before: (left: T, right: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    const items = this.#items
    let place = items.push(item) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = items[parent] as T
      if (!this.#before(item, above)) break
      items[place] = above
      place = parent
    }
    items[place] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#before(items[child + 1] as T, items[child] as T)) child += 1
      if (!this.#before(items[child] as T, last)) break
      items[place] = items[child] as T
      place = child
    }
    items[place] = last
    return first
  }
}
