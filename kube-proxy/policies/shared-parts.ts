/** Things by name that several use: made for the first user, unmade after the last. */
export class SharedParts<T> {
  readonly #parts = new Map<string, { readonly part: T; users: number }>()
  readonly #make: (name: string, part: T) => void
  readonly #unmake: (name: string, part: T) => void

  constructor(make: (name: string, part: T) => void, unmake: (name: string, part: T) => void) {
    this.#make = make
    this.#unmake = unmake
  }

  take(name: string, part: T): void {
    const known = this.#parts.get(name)
    if (known) known.users += 1
    else {
      this.#parts.set(name, { part, users: 1 })
      this.#make(name, part)
    }
  }

  release(name: string): void {
    const known = this.#parts.get(name)
    if (!known) throw new Error(`nobody uses ${name}`)
    known.users -= 1
    if (known.users > 0) return
    this.#parts.delete(name)
    this.#unmake(name, known.part)
  }

  *[Symbol.iterator](): Generator<readonly [name: string, part: T]> {
    for (const [name, { part }] of this.#parts) yield [name, part]
  }
}
