import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { type IpAddress, parseAddress } from './ip-address.ts'

/** A range of addresses, `10.244.0.0/16`. */
export class IpRange {
  readonly #network: IpAddress
  readonly #prefix: number

  private constructor(network: IpAddress, prefix: number) {
    this.#network = network
    this.#prefix = prefix
  }

  /** Undefined for what is no range. Bits beyond the prefix are nobody's. */
  static parse(text: string): IpRange | undefined {
    const [address = '', size = '', ...rest] = text.split('/')
    const version = isIP(address)
    const prefix = /^\d{1,3}$/.test(size) ? Number(size) : Number.NaN
    if (version === 0 || rest.length > 0 || !(prefix <= (version === 4 ? 32 : 128))) return undefined
    return new IpRange(ipaddr.parse(address), prefix)
  }

  /** The range of one address. */
  static of(address: IpAddress): IpRange {
    return new IpRange(address, address.kind() === 'ipv4' ? 32 : 128)
  }

  contains(address: IpAddress): boolean {
    return address.kind() === this.#network.kind() && address.match(this.#network, this.#prefix)
  }

  /** Whether the text is an address of this range. */
  holds(text: string): boolean {
    const address = parseAddress(text)
    return address !== undefined && this.contains(address)
  }

  isInside(other: IpRange): boolean {
    return this.#prefix >= other.#prefix && other.contains(this.#network)
  }

  overlaps(other: IpRange): boolean {
    return this.isInside(other) || other.isInside(this)
  }

  /** The range's first address and its size, `10.244.0.0/16`: one text for each range. */
  get text(): string {
    const bytes = this.#network
      .toByteArray()
      .map((byte, index) => byte & (0xff00 >> Math.min(Math.max(this.#prefix - 8 * index, 0), 8)) & 0xff)
    return `${ipaddr.fromByteArray(bytes).toString()}/${this.#prefix}`
  }

  /** Family and leading bits: one range lies inside another exactly when its text begins with the other's. */
  get bits(): string {
    const all = this.#network.toByteArray().map((byte) => byte.toString(2).padStart(8, '0'))
    return `${this.#network.kind() === 'ipv4' ? 4 : 6}:${all.join('').slice(0, this.#prefix)}`
  }
}

/** The text of every range that holds this one, itself included, largest first. */
export function rangesAround({ bits }: IpRange): string[] {
  return Array.from({ length: bits.length - 1 }, (_, length) => bits.slice(0, length + 2))
}

/** Ranges of which no two overlap; each question costs the same, however many there are. */
export class DisjointRanges {
  readonly #ranges = new Set<string>()
  /** Every larger range that holds one of them. */
  readonly #around = new Set<string>()

  /** Takes a range in; false when it overlaps one that is there. */
  add(range: IpRange): boolean {
    const around = rangesAround(range)
    if (this.#around.has(range.bits) || around.some((larger) => this.#ranges.has(larger))) return false
    this.#ranges.add(range.bits)
    for (const larger of around.slice(0, -1)) this.#around.add(larger)
    return true
  }
}
