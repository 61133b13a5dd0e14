import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { familyOf, type IpFamily } from '../../shared/addresses/ip-families.ts'

/** A range of addresses; `base` is the first of them as a number. */
export interface Range {
  readonly family: IpFamily
  readonly base: bigint
  readonly prefix: number
}

const BITS = { IPv4: 32, IPv6: 128 } as const
/** Ranges in one pool: more nodes than anybody has, and no more of the kernel's memory than a pool of IPv4 needs. Upstream's. */
const LARGEST_SPLIT = 16

/** Reads `10.244.0.0/16`. @throws Error that says what is wrong */
export function parseRange(text: string): Range {
  const match = /^([\da-fA-F:.]+)\/(\d{1,3})$/.exec(text)
  const [, address = '', size = ''] = match ?? []
  const family = familyOf(text)
  const prefix = Number(size)
  if (isIP(address) === 0 || prefix > BITS[family]) {
    throw new Error(`${JSON.stringify(text)} is not a range such as 10.244.0.0/16 or fd00:10:244::/56`)
  }
  const base = ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  if (base % sizeOf(family, prefix) !== 0n) throw new Error(`${text} has bits set beyond its prefix`)
  return { family, base, prefix }
}

export function formatRange({ family, base, prefix }: Range): string {
  const bytes = Array.from({ length: BITS[family] / 8 }, (_, index) => Number((base >> BigInt(BITS[family] - 8 * (index + 1))) & 0xffn))
  return `${ipaddr.fromByteArray(bytes).toString()}/${prefix}`
}

function sizeOf(family: IpFamily, prefix: number): bigint {
  return 1n << BigInt(BITS[family] - prefix)
}

/** Equal ranges cut from a larger one, and which of them are taken. */
export class RangePool {
  readonly #cluster: Range
  readonly #prefix: number
  readonly #taken = new Map<number, number>()
  #lowest = 0

  /** @throws Error where no such ranges can be cut */
  constructor(cluster: Range, prefix: number) {
    const whole = formatRange(cluster)
    if (prefix < cluster.prefix || prefix > BITS[cluster.family]) throw new Error(`ranges of /${prefix} do not fit into ${whole}`)
    if (prefix - cluster.prefix > LARGEST_SPLIT) {
      throw new Error(`ranges of /${prefix} are more than 65536 of ${whole}: a smaller one, or larger ones, will do`)
    }
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
    const { family, base } = this.#cluster
    return { family, base: base + BigInt(this.#lowest) * sizeOf(family, this.#prefix), prefix: this.#prefix }
  }

  #overlapping({ family, base, prefix }: Range): number[] {
    const cluster = this.#cluster
    if (family !== cluster.family) return []
    const [end, whole] = [base + sizeOf(family, prefix), cluster.base + sizeOf(family, cluster.prefix)]
    if (end <= cluster.base || base >= whole) return []
    const size = sizeOf(family, this.#prefix)
    const first = base <= cluster.base ? 0 : Number((base - cluster.base) / size)
    const last = end >= whole ? this.size - 1 : Number((end - 1n - cluster.base) / size)
    return Array.from({ length: last - first + 1 }, (_, step) => first + step)
  }
}
