import { addressNumber, within } from '../../kube-proxy/policies/number-ranges.ts'
import { CONSTANT_SETS } from '../../kube-proxy/policies/policy-plan.ts'
import type { TableChange } from '../../kube-proxy/policies/table-state.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'

interface Packet {
  readonly from: string
  readonly to: string
  readonly protocol: string
  readonly port: number
}

/** The table of policies as the kernel would hold it: takes changes, strictly, and judges the first packet of a connection. */
export class TableModel {
  readonly sets = new Map<string, Map<string, string>>(CONSTANT_SETS.map((name) => [name, new Map()]))
  readonly chains = new Map<string, TableChange['newChains'] extends ReadonlyMap<string, infer P> ? P : never>()

  /** @throws Error where the kernel would refuse the transaction */
  apply({ newSets, newChains, gone, come, goneChains, goneSets }: TableChange): void {
    for (const name of newSets) {
      if (this.sets.has(name)) throw new Error(`${name} is there`)
      this.sets.set(name, new Map())
    }
    for (const [name, passes] of newChains) {
      for (const { peers, destinations } of passes) {
        for (const used of [peers, destinations]) if (used !== undefined) this.#set(used)
      }
      if (this.chains.has(name)) throw new Error(`${name} is there`)
      this.chains.set(name, passes)
    }
    for (const [name, elements] of gone) {
      for (const element of elements.keys()) if (!this.#set(name).delete(element)) throw new Error(`${name} has no ${element}`)
    }
    for (const [name, elements] of come) {
      for (const [element, value] of elements) {
        if (this.#set(name).has(element)) throw new Error(`${name} has ${element}`)
        if (value !== '' && !this.chains.has(value)) throw new Error(`no chain ${value}`)
        this.#set(name).set(element, value)
      }
    }
    for (const name of goneChains) if (!this.chains.delete(name)) throw new Error(`no chain ${name}`)
    for (const name of goneSets) {
      this.#set(name)
      this.sets.delete(name)
    }
    const used = new Set(['ingress', 'egress'].flatMap((map) => [...this.#set(map).values()]))
    for (const chain of used) if (!this.chains.has(chain)) throw new Error(`${chain} is still jumped to`)
    for (const passes of this.chains.values()) {
      for (const { peers, destinations } of passes) for (const set of [peers, destinations]) if (set !== undefined) this.#set(set)
    }
  }

  /** What the chain `forward` of `emptyTable` says. */
  lets(packet: Packet): boolean {
    const { from, to } = packet
    if (this.#set('selves').has(`${from} . ${to}`)) return true
    if (!this.#passes('egress', from, to, packet) || !this.#passes('ingress', to, from, packet)) return false
    return !this.#isStranger('egress', from) && !this.#isStranger('ingress', to)
  }

  #passes(direction: 'ingress' | 'egress', self: string, other: string, { to, protocol, port }: Packet): boolean {
    const chain = this.#set(direction).get(self)
    if (chain === undefined) return true
    return (this.chains.get(chain) ?? []).some(
      (pass) =>
        (pass.peers === undefined || this.#set(pass.peers).has(other)) &&
        (pass.addresses === undefined || within(pass.addresses, addressNumber(other) ?? -1)) &&
        (pass.protocol === undefined || pass.protocol === protocol) &&
        (pass.ports === undefined || within(pass.ports, port)) &&
        (pass.destinations === undefined || this.#set(pass.destinations).has(`${to} . ${protocol} . ${port}`)),
    )
  }

  #isStranger(direction: 'ingress' | 'egress', address: string): boolean {
    const closed = [...this.#set(`closed_${direction}`).keys()].some((range) => IpRange.parse(range)?.holds(address))
    return closed && !this.#set('known').has(address)
  }

  #set(name: string): Map<string, string> {
    const set = this.sets.get(name)
    if (!set) throw new Error(`no set ${name}`)
    return set
  }
}
