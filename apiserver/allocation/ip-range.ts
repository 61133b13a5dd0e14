import ipaddr from 'ipaddr.js'
import type { ObjectOf } from '../../shared/client/client.ts'
import type { Random } from '../../shared/random/random.ts'
import type { ResourceServices } from '../registry/define-resource.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { AllocationError } from './allocation-error.ts'
import { NumberPool } from './number-pool.ts'

/** IPv6 ranges may be larger than anybody can use; no more than this many addresses are given. */
const LARGEST_V6 = 2 ** 16

/** Cluster IPs of a range. What is taken is kept equal to what stored Services hold, whoever wrote them. */
export class IpRange {
  readonly #text: string
  readonly #first: bigint
  readonly #size: number
  readonly #isV6: boolean
  readonly #pool: NumberPool

  /** @param cidr e.g. `10.96.0.0/16`. @throws Error when it is no range or has no room */
  constructor(cidr: string) {
    const [network, prefix] = ipaddr.parseCIDR(cidr)
    this.#isV6 = network.kind() === 'ipv6'
    const bits = (this.#isV6 ? 128 : 32) - prefix
    this.#first = (toNumber(network) >> BigInt(bits)) << BigInt(bits)
    const addresses = this.#isV6 && bits > 16 ? LARGEST_V6 : 2 ** bits
    // Neither the network's own address nor, with IPv4, the broadcast address.
    this.#size = addresses - (this.#isV6 ? 1 : 2)
    if (this.#size < 1) throw new Error(`the range ${cidr} has no room for Services`)
    this.#text = `${fromNumber(this.#first, this.#isV6)}/${prefix}`
    this.#pool = new NumberPool(this.#size, bandOf(this.#size, 16, 256))
  }

  /** The n-th usable address, from 1. */
  nth(n: number): string {
    return fromNumber(this.#first + BigInt(n), this.#isV6)
  }

  contains(address: string): boolean {
    return this.#indexOf(address) !== undefined
  }

  /** Takes the address wanted, or any. @throws AllocationError */
  take(wanted: string | undefined, random: Random): string {
    if (wanted !== undefined) {
      const index = this.#indexOf(wanted)
      if (index === undefined) {
        throw new AllocationError(
          'outside',
          `failed to allocate IP ${wanted}: the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${this.#text}`,
        )
      }
      if (this.#pool.isTaken(index)) throw new AllocationError('taken', `failed to allocate IP ${wanted}: provided IP is already allocated`)
      this.#pool.mark(index)
      return wanted
    }
    const index = this.#pool.pick(random)
    if (index === undefined) throw new AllocationError('full', 'failed to allocate a serviceIP: range is full')
    this.#pool.mark(index)
    return this.nth(index + 1)
  }

  release(address: string): void {
    const index = this.#indexOf(address)
    if (index !== undefined) this.#pool.release(index)
  }

  /** Keeps in step with the stored Services; answers the unsubscriber. */
  follow(reader: ObjectReader): () => void {
    return reader.follow('v1', 'Service', (current, previous) => {
      const held = addressesOf(current)
      for (const address of addressesOf(previous)) if (!held.includes(address)) this.release(address)
      for (const address of held) this.#mark(address)
    })
  }

  #mark(address: string): void {
    const index = this.#indexOf(address)
    if (index !== undefined) this.#pool.mark(index)
  }

  #indexOf(address: string): number | undefined {
    if (!ipaddr.isValid(address)) return undefined
    const parsed = ipaddr.parse(address)
    if ((parsed.kind() === 'ipv6') !== this.#isV6) return undefined
    const index = toNumber(parsed) - this.#first - 1n
    return index >= 0n && index < BigInt(this.#size) ? Number(index) : undefined
  }
}

/** The service that kinds get. */
export function clusterIPs(range: IpRange, random: Random): ResourceServices['clusterIPs'] {
  return {
    take: (wanted) => range.take(wanted, random),
    release: (address) => range.release(address),
    contains: (address) => range.contains(address),
  }
}

/** How many low numbers are kept for people to pick: a sixteenth, within bounds; none of a tiny range. */
export function bandOf(size: number, least: number, most: number): number {
  return size <= least ? 0 : Math.min(Math.max(least, Math.floor(size / 16)), most)
}

function addressesOf(service: ObjectOf<'v1', 'Service'> | undefined): string[] {
  if (!service) return []
  const { clusterIP, clusterIPs } = service.spec
  return (clusterIPs ?? (clusterIP ? [clusterIP] : [])).filter((address) => address !== '' && address !== 'None')
}

function toNumber(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

function fromNumber(value: bigint, isV6: boolean): string {
  const bytes = Array.from({ length: isV6 ? 16 : 4 }, (_, index) => Number((value >> BigInt(8 * ((isV6 ? 15 : 3) - index))) & 0xffn))
  return ipaddr.fromByteArray(bytes).toString()
}
