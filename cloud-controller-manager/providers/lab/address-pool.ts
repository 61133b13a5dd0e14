import ipaddr from 'ipaddr.js'
import { ConfigError } from '../../../shared/process/config.ts'

/** A run of IPv4 addresses as numbers, both ends included. */
interface Run {
  readonly first: number
  readonly last: number
}

/** Addresses that Services of type LoadBalancer are given, in the order in which they are written down. */
export class AddressPool {
  readonly #runs: readonly Run[]
  readonly #text: string

  private constructor(runs: readonly Run[], text: string) {
    this.#runs = runs
    this.#text = text
  }

  /**
   * `192.168.1.240/28` or `192.168.1.240-192.168.1.250`. The first and the last address of a range in CIDR form are left out: where it is a
   * whole subnet they are its own and the broadcast address. @throws ConfigError that names the part that is no range
   */
  static parse(parts: readonly string[]): AddressPool {
    const runs = parts.map((part) => {
      const run = part.includes('-') ? runOfEnds(part) : runOfCidr(part)
      if (run && run.first <= run.last) return run
      throw new ConfigError(
        `--load-balancer-pool: ${JSON.stringify(part)} is no range of IPv4 addresses such as 192.168.1.240/28 or 192.168.1.240-192.168.1.250`,
      )
    })
    return new AddressPool(runs, parts.join(','))
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  holds(address: string): boolean {
    const number = numberOf(address)
    return number !== undefined && this.#runs.some(({ first, last }) => first <= number && number <= last)
  }

  /** The first address that is not taken; looks at one more than there are taken. */
  firstFree(isTaken: (address: string) => boolean): string | undefined {
    for (const { first, last } of this.#runs) {
      for (let number = first; number <= last; number++) {
        const address = textOf(number)
        if (!isTaken(address)) return address
      }
    }
    return undefined
  }

  toString(): string {
    return this.#text
  }
}

function runOfCidr(text: string): Run | undefined {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) return undefined
  const [address, bits] = ipaddr.IPv4.parseCIDR(text)
  const size = 2 ** (32 - bits)
  const first = Math.floor(unsigned(address) / size) * size
  return size <= 2 ? { first, last: first + size - 1 } : { first: first + 1, last: first + size - 2 }
}

function runOfEnds(text: string): Run | undefined {
  const [first, last, ...rest] = text.split('-').map((part) => numberOf(part.trim()))
  return first === undefined || last === undefined || rest.length > 0 ? undefined : { first, last }
}

function numberOf(address: string): number | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? unsigned(ipaddr.IPv4.parse(address)) : undefined
}

function unsigned({ octets }: ipaddr.IPv4): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}
