import type { Dataplane, ServiceChanges } from './dataplane.ts'
import { type Balancer, CONTAINERS, type Container, type Elements, elementsOf } from './elements.ts'
import { balancerChain, elementCommand, type RulesetSettings, skeleton } from './ruleset.ts'

/** Applies a text in nft's grammar as one transaction. @throws Error with nft's own words */
export type Transaction = (text: string) => Promise<void>

/**
 * Services as data in the maps of one nftables table: a change is a few elements, whatever the number of Services.
 * What is applied is remembered, never read back: listing a large table takes seconds.
 */
export class NftablesDataplane implements Dataplane {
  readonly #settings: RulesetSettings
  readonly #transaction: Transaction
  #services = new Map<string, Elements>()
  #balancers = new Set<Balancer>()
  /** How many Services hold a hairpin pair: backends may be shared. */
  #hairpins = new Map<string, number>()

  constructor(settings: RulesetSettings, transaction: Transaction) {
    this.#settings = settings
    this.#transaction = transaction
  }

  async replace(services: ServiceChanges): Promise<void> {
    const { table } = this.#settings
    const wanted = new Map([...services].map(([name, servers]) => [name, elementsOf(servers)] as const))
    const balancers = new Set([...wanted.values()].flatMap((elements) => [...elements.balancers]))
    const parts = [`table ip ${table}\ndelete table ip ${table}\n`, skeleton(this.#settings)]
    for (const balancer of balancers) parts.push(balancerChain(table, balancer))
    for (const container of CONTAINERS) {
      const all = new Map([...wanted.values()].flatMap((elements) => [...elements.values[container]]))
      parts.push(elementCommand('add', table, container, all))
    }
    await this.#transaction(parts.join(''))
    this.#services = wanted
    this.#balancers = balancers
    this.#hairpins = countHairpins(wanted.values())
  }

  async update(changes: ServiceChanges): Promise<void> {
    const { table } = this.#settings
    const wanted = new Map([...changes].map(([name, servers]) => [name, elementsOf(servers)] as const))
    const balancers = [...new Set([...wanted.values()].flatMap((elements) => [...elements.balancers]))].filter(
      (each) => !this.#balancers.has(each),
    )
    const hairpins = this.#hairpinsAfter(wanted)
    const removals: string[] = []
    const additions: string[] = []
    for (const container of CONTAINERS) {
      const { gone, come } = container === 'hairpin' ? setDifference(this.#hairpins, hairpins) : this.#difference(container, wanted)
      removals.push(elementCommand('delete', table, container, gone))
      additions.push(elementCommand('add', table, container, come))
    }
    const text = [...balancers.map((balancer) => balancerChain(table, balancer)), ...removals, ...additions].join('')
    if (text !== '') await this.#transaction(text)
    for (const balancer of balancers) this.#balancers.add(balancer)
    this.#hairpins = hairpins
    for (const [name, elements] of wanted) {
      if (changes.get(name)?.length === 0) this.#services.delete(name)
      else this.#services.set(name, elements)
    }
  }

  async remove(): Promise<void> {
    const { table } = this.#settings
    await this.#transaction(`table ip ${table}\ndelete table ip ${table}\n`)
    this.#services.clear()
    this.#balancers.clear()
    this.#hairpins.clear()
  }

  /** An element whose value changes is deleted and added again, in the same transaction. */
  #difference(container: Container, wanted: ReadonlyMap<string, Elements>) {
    const gone = new Map<string, string>()
    const come = new Map<string, string>()
    for (const name of wanted.keys()) {
      for (const [key, value] of this.#services.get(name)?.values[container] ?? []) gone.set(key, value)
    }
    for (const elements of wanted.values()) {
      for (const [key, value] of elements.values[container]) {
        if (gone.get(key) === value) gone.delete(key)
        else come.set(key, value)
      }
    }
    return { gone, come }
  }

  #hairpinsAfter(wanted: ReadonlyMap<string, Elements>): Map<string, number> {
    const counts = new Map(this.#hairpins)
    const count = (pair: string, by: 1 | -1) => {
      const now = (counts.get(pair) ?? 0) + by
      if (now > 0) counts.set(pair, now)
      else counts.delete(pair)
    }
    for (const [name, elements] of wanted) {
      for (const pair of elements.values.hairpin.keys()) count(pair, 1)
      for (const pair of this.#services.get(name)?.values.hairpin.keys() ?? []) count(pair, -1)
    }
    return counts
  }
}

function countHairpins(services: Iterable<Elements>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { values } of services) for (const pair of values.hairpin.keys()) counts.set(pair, (counts.get(pair) ?? 0) + 1)
  return counts
}

function setDifference(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) {
  const only = (left: ReadonlyMap<string, number>, right: ReadonlyMap<string, number>) =>
    new Map([...left.keys()].filter((key) => !right.has(key)).map((key) => [key, ''] as const))
  return { gone: only(before, after), come: only(after, before) }
}
