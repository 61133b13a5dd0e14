import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import { familiesOf, familyOf, type IpFamily } from '../../shared/addresses/ip-families.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { ServiceCIDR } from '../../shared/openapi/generated/networking-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { AllocationError } from './allocation-error.ts'
import { clusterIPsOf } from './cluster-ip-object.ts'
import { IpRange } from './ip-range.ts'

/** Which cluster IPs are given: from the server's own range of the family, and from ready ServiceCIDRs when that is full or another address is asked for. */
export class ClusterIPs {
  readonly #random: Random
  readonly #log: Logger
  /** The cluster's, in its order: those of the server's own ranges. */
  readonly families: readonly IpFamily[]
  /** By text; the server's own are the first, and always there. */
  readonly #ranges = new Map<string, IpRange>()
  readonly #own: ReadonlySet<string>
  /** Ranges of each ServiceCIDR. */
  readonly #further = new Map<string, readonly string[]>()
  /** What stored Services hold, what IPAddresses say is held (anybody's), and what is on its way into the store. */
  readonly #services = new Set<string>()
  readonly #objects = new Set<string>()
  readonly #reserved = new Set<string>()

  /** @param ranges of the server's own, e.g. `10.96.0.0/16`, one a family. @throws Error when one is no range or has no room */
  constructor(ranges: readonly string[], random: Random, log: Logger) {
    this.#random = random
    this.#log = log
    for (const text of ranges) {
      const range = new IpRange(text)
      this.#ranges.set(range.text, range)
    }
    this.#own = new Set(this.#ranges.keys())
    this.families = familiesOf(ranges)
  }

  /** Takes the address wanted, or any of the family, until it is released or stored. @throws AllocationError */
  take(family: IpFamily, wanted: string | undefined): string {
    const address = wanted === undefined ? this.#pick(family) : this.#claim(family, wanted)
    const spelled = canonicalAddress(address) ?? address
    this.#reserved.add(spelled)
    this.#mark(spelled)
    return address
  }

  /** What was taken is not stored after all. */
  release(address: string): void {
    const spelled = canonicalAddress(address) ?? address
    this.#reserved.delete(spelled)
    this.#freeUnlessHeld(spelled)
  }

  /** Keeps in step with what is stored; answers the unsubscriber. */
  follow(reader: ObjectReader): () => void {
    const ends = [
      reader.follow('v1', 'Service', (current, previous) => this.#hold(this.#services, clusterIPsOf(current), clusterIPsOf(previous))),
      reader.follow('networking.k8s.io/v1', 'IPAddress', (current, previous) => {
        const names = [current, previous].map((object) => (object?.metadata.name ? [object.metadata.name] : []))
        this.#hold(this.#objects, names[0] ?? [], names[1] ?? [])
      }),
      reader.follow('networking.k8s.io/v1', 'ServiceCIDR', (current, previous) => {
        const name = (current ?? previous)?.metadata.name
        if (name !== undefined) this.#setFurther(name, current ? openRanges(current, this.families) : [])
      }),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  #pick(family: IpFamily): string {
    for (const range of this.#ranges.values()) {
      if (range.family !== family) continue
      const address = range.pick(this.#random)
      if (address !== undefined) return address
    }
    throw new AllocationError('full', 'failed to allocate a serviceIP: range is full')
  }

  #claim(family: IpFamily, wanted: string): string {
    const all = [...this.#ranges.values()].filter((range) => range.family === family)
    const ranges = all.filter((range) => range.contains(wanted))
    if (ranges.length === 0) {
      const valid = all.map(({ text }) => text).join(', ')
      const why = `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${valid}`
      throw new AllocationError('outside', `failed to allocate IP ${wanted}: ${why}`)
    }
    if (ranges.some((range) => range.isTaken(wanted))) {
      throw new AllocationError('taken', `failed to allocate IP ${wanted}: provided IP is already allocated`)
    }
    return wanted
  }

  #hold(held: Set<string>, current: readonly string[], previous: readonly string[]): void {
    for (const address of previous) {
      if (current.includes(address)) continue
      held.delete(address)
      this.#freeUnlessHeld(address)
    }
    for (const address of current) {
      held.add(address)
      // Stored: from here on it is held by what is stored alone.
      if (held === this.#services) this.#reserved.delete(address)
      this.#mark(address)
    }
  }

  #setFurther(name: string, texts: readonly string[]): void {
    const before = this.#further.get(name) ?? []
    if (texts.length > 0) this.#further.set(name, texts)
    else this.#further.delete(name)
    for (const text of texts) if (!this.#ranges.has(text)) this.#open(text)
    const wanted = new Set([...this.#further.values()].flat())
    for (const text of before) if (!this.#own.has(text) && !wanted.has(text)) this.#ranges.delete(text)
  }

  #open(text: string): void {
    try {
      const range = new IpRange(text)
      for (const held of [this.#services, this.#objects, this.#reserved]) for (const address of held) range.mark(address)
      this.#ranges.set(text, range)
    } catch (error) {
      this.#log.warn('a ServiceCIDR gives no addresses', { range: text, error })
    }
  }

  #mark(address: string): void {
    for (const range of this.#ranges.values()) range.mark(address)
  }

  #freeUnlessHeld(address: string): void {
    if (this.#services.has(address) || this.#objects.has(address) || this.#reserved.has(address)) return
    for (const range of this.#ranges.values()) range.release(address)
  }
}

/** What is given from: ranges of one that is ready and stays, of families that the cluster has. */
function openRanges({ metadata, spec, status }: ServiceCIDR, families: readonly IpFamily[]): string[] {
  if (metadata.deletionTimestamp || !isTrue(status.conditions, 'Ready')) return []
  return (spec.cidrs ?? []).filter((cidr) => families.includes(familyOf(cidr)))
}
