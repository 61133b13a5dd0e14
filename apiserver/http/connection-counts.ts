export interface ConnectionLimits {
  readonly total: number
  /** Of one address: those behind a NAT share it, so it is not small. */
  readonly perAddress: number
}

/** How many connections there are, and from where. */
export class ConnectionCounts {
  readonly #limits: ConnectionLimits
  readonly #byAddress = new Map<string, number>()
  #total = 0
  #refused = 0

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  get refused(): number {
    return this.#refused
  }

  /** Counts one in, or says no: one address cannot take all there are. */
  admit(address: string): boolean {
    const here = this.#byAddress.get(address) ?? 0
    if (this.#total >= this.#limits.total || here >= this.#limits.perAddress) {
      this.#refused++
      return false
    }
    this.#total++
    this.#byAddress.set(address, here + 1)
    return true
  }

  leave(address: string): void {
    const here = this.#byAddress.get(address) ?? 0
    this.#total--
    if (here > 1) this.#byAddress.set(address, here - 1)
    else this.#byAddress.delete(address)
  }
}
