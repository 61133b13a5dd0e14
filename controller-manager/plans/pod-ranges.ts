/** An IPv4 range; `base` as a number. */
export interface Range {
  readonly base: number
  readonly prefix: number
}

/** Reads `10.244.0.0/16`. @throws Error that says what is wrong */
export function parseRange(text: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  const parts = match?.slice(1, 5).map(Number) ?? []
  const prefix = Number(match?.[5])
  if (parts.length !== 4 || parts.some((part) => part > 255) || prefix > 32)
    throw new Error(`${JSON.stringify(text)} is not an IPv4 range such as 10.244.0.0/16`)
  const base = parts.reduce((sum, part) => sum * 256 + part, 0)
  if (base % 2 ** (32 - prefix) !== 0) throw new Error(`${text} has bits set beyond its prefix`)
  return { base, prefix }
}

export function formatRange({ base, prefix }: Range): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefix}`
}

/** Equal ranges cut from a larger one, and which of them are taken. */
export class RangePool {
  readonly #cluster: Range
  readonly #prefix: number
  readonly #taken = new Map<number, number>()
  #lowest = 0

  constructor(cluster: Range, prefix: number) {
    if (prefix < cluster.prefix) throw new Error(`ranges of /${prefix} do not fit into ${formatRange(cluster)}`)
    this.#cluster = cluster
    this.#prefix = prefix
  }

  /** How many there are. */
  get size(): number {
    return 2 ** (this.#prefix - this.#cluster.prefix)
  }

  /** Marks every range of the pool that overlaps this one; counted, so that each `take` needs its `release`. */
  take(range: Range): void {
    for (const index of this.#overlapping(range)) this.#taken.set(index, (this.#taken.get(index) ?? 0) + 1)
  }

  release(range: Range): void {
    for (const index of this.#overlapping(range)) {
      const count = (this.#taken.get(index) ?? 0) - 1
      if (count > 0) this.#taken.set(index, count)
      else this.#taken.delete(index)
      if (count <= 0 && index < this.#lowest) this.#lowest = index
    }
  }

  /** The first free range, not yet taken; undefined when all are in use. */
  firstFree(): Range | undefined {
    while (this.#lowest < this.size && this.#taken.has(this.#lowest)) this.#lowest += 1
    if (this.#lowest >= this.size) return undefined
    return { base: this.#cluster.base + this.#lowest * 2 ** (32 - this.#prefix), prefix: this.#prefix }
  }

  #overlapping({ base, prefix }: Range): number[] {
    const size = 2 ** (32 - this.#prefix)
    const first = Math.max(0, Math.floor((base - this.#cluster.base) / size))
    const last = Math.min(this.size - 1, Math.floor((base + 2 ** (32 - prefix) - 1 - this.#cluster.base) / size))
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, step) => first + step)
  }
}
