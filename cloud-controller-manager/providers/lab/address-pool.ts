import { type AddressRun, addressRun, numberOfAddress, textOfNumber } from '../../../shared/addresses/address-run.ts'
import { ConfigError } from '../../../shared/process/config.ts'

/** Addresses that Services of type LoadBalancer are given, in the order in which they are written down. */
export class AddressPool {
  readonly #runs: readonly AddressRun[]
  readonly #text: string

  private constructor(runs: readonly AddressRun[], text: string) {
    this.#runs = runs
    this.#text = text
  }

  /**
   * `192.168.1.240/28` or `192.168.1.240-192.168.1.250`. The first and the last address of a range in CIDR form are left out: where it is a
   * whole subnet they are its own and the broadcast address. @throws ConfigError that names the part that is no range
   */
  static parse(parts: readonly string[]): AddressPool {
    const runs = parts.map((part) => {
      const run = addressRun(part)
      if (run) return run
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
    const number = numberOfAddress(address)
    return number !== undefined && this.#runs.some(({ first, last }) => first <= number && number <= last)
  }

  /** The first address that is not taken; looks at one more than there are taken. */
  firstFree(isTaken: (address: string) => boolean): string | undefined {
    for (const { first, last } of this.#runs) {
      for (let number = first; number <= last; number++) {
        const address = textOfNumber(number)
        if (!isTaken(address)) return address
      }
    }
    return undefined
  }

  toString(): string {
    return this.#text
  }
}
