/**
 * Who claims what: the same may be claimed by several, and by one several times (what is stored, and writes that are on their way), so claims are counted.
 */
export class ClaimIndex {
  readonly #holders = new Map<string, Map<string, number>>()

  add(key: string, holder: string): void {
    const holders = this.#holders.get(key) ?? new Map<string, number>()
    this.#holders.set(key, holders)
    holders.set(holder, (holders.get(holder) ?? 0) + 1)
  }

  remove(key: string, holder: string): void {
    const holders = this.#holders.get(key)
    const left = (holders?.get(holder) ?? 0) - 1
    if (left > 0) holders?.set(holder, left)
    else holders?.delete(holder)
    if (holders?.size === 0) this.#holders.delete(key)
  }

  holders(key: string): Iterable<string> {
    return this.#holders.get(key)?.keys() ?? []
  }
}
