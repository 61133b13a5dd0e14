/** Lists of revisions, each in its order; they lose their oldest first. Most have one, which takes no list. */
export class RevisionLists<K> {
  readonly #lists = new Map<K, number | number[]>()

  add(key: K, revision: number): void {
    const known = this.#lists.get(key)
    if (known === undefined) this.#lists.set(key, revision)
    else if (typeof known === 'number') this.#lists.set(key, [known, revision])
    else known.push(revision)
  }

  of(key: K): readonly number[] {
    const known = this.#lists.get(key)
    if (known === undefined) return []
    return typeof known === 'number' ? [known] : known
  }

  dropFirst(key: K): void {
    const known = this.#lists.get(key)
    if (typeof known === 'object' && known.length > 1) known.shift()
    else this.#lists.delete(key)
  }
}
