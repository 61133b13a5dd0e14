import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { familyOf, type IpFamily } from '../../shared/addresses/ip-families.ts'
import type { Random } from '../../shared/random/random.ts'
import { NumberPool } from './number-pool.ts'

/** IPv6 ranges may be larger than anybody can use; no more than this many addresses are given. */
const LARGEST_V6 = 2 ** 16

/** The addresses of one range that can be cluster IPs, and which of them are taken. */
export class IpRange {
  /** The range in its one spelling. */
  readonly text: string
  readonly #first: bigint
  readonly #firstV4: number
  readonly #size: number
  readonly #isV6: boolean
  readonly #pool: NumberPool

  /** @param cidr e.g. `10.96.0.0/16`. @throws Error when it is no range or has no room */
  constructor(cidr: string) {
    const [network, prefix] = ipaddr.parseCIDR(cidr)
    this.#isV6 = network.kind() === 'ipv6'
    const bits = (this.#isV6 ? 128 : 32) - prefix
    this.#first = (toNumber(network) >> BigInt(bits)) << BigInt(bits)
    this.#firstV4 = Number(this.#first)
    const addresses = this.#isV6 && bits > 16 ? LARGEST_V6 : 2 ** bits
    // Neither the network's own address nor, with IPv4, the broadcast address.
    this.#size = addresses - (this.#isV6 ? 1 : 2)
    if (this.#size < 1) throw new Error(`the range ${cidr} has no room for Services`)
    this.text = `${fromNumber(this.#first, this.#isV6)}/${prefix}`
    this.#pool = new NumberPool(this.#size, bandOf(this.#size, 16, 256))
  }

  get family(): IpFamily {
    return familyOf(this.text)
  }

  /** The n-th usable address, from 1. */
  nth(n: number): string {
    return fromNumber(this.#first + BigInt(n), this.#isV6)
  }

  contains(address: string): boolean {
    return this.#indexOf(address) !== undefined
  }

  /** A free address by chance; undefined when there is none. Does not mark it. */
  pick(random: Random): string | undefined {
    const index = this.#pool.pick(random)
    return index === undefined ? undefined : this.nth(index + 1)
  }

  isTaken(address: string): boolean {
    const index = this.#indexOf(address)
    return index !== undefined && this.#pool.isTaken(index)
  }

  /** Marks as taken; idempotent, and nothing for an address of another range. */
  mark(address: string): void {
    const index = this.#indexOf(address)
    if (index !== undefined) this.#pool.mark(index)
  }

  release(address: string): void {
    const index = this.#indexOf(address)
    if (index !== undefined) this.#pool.release(index)
  }

  #indexOf(address: string): number | undefined {
    if (isIP(address) !== (this.#isV6 ? 6 : 4)) return undefined
    // Asked several times with each Service: without large numbers where there need be none.
    const index = this.#isV6
      ? Number(toNumber(ipaddr.parse(address)) - this.#first) - 1
      : address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) - this.#firstV4 - 1
    return index >= 0 && index < this.#size ? index : undefined
  }
}

/** How many low numbers are kept for people to pick: a sixteenth, within bounds; none of a tiny range. */
export function bandOf(size: number, least: number, most: number): number {
  return size <= least ? 0 : Math.min(Math.max(least, Math.floor(size / 16)), most)
}

function toNumber(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function fromNumber(value: bigint, isV6: boolean): string {
  const bytes = Array.from({ length: isV6 ? 16 : 4 }, (_, index) => Number((value >> BigInt(8 * ((isV6 ? 15 : 3) - index))) & 0xffn))
  return ipaddr.fromByteArray(bytes).toString()
}
