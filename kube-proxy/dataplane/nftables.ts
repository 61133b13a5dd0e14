import type { VirtualServer } from '../virtual-server.ts'
import type { Dataplane, ServiceChanges } from './dataplane.ts'
import { CONTAINERS, type Container, type Elements, elementsOf } from './elements.ts'
import { elementCommand, type RulesetSettings, skeleton } from './ruleset.ts'

/** Chains made at first; a Service with more backends than any before has the whole table made again. */
const USUAL_LARGEST = 32

/** Applies a text in nft's grammar as one transaction. @throws Error with nft's own words */
export type Transaction = (text: string) => Promise<void>

interface Applied {
  readonly servers: readonly VirtualServer[]
  readonly elements: Elements
}

/**
 * Services as data in the maps of one nftables table: a change is a few elements, whatever the number of Services.
 * What is applied is remembered, never read back: listing a large table takes seconds.
 */
export class NftablesDataplane implements Dataplane {
  readonly #settings: RulesetSettings
  readonly #transaction: Transaction
  #services = new Map<string, Applied>()
  #largest = USUAL_LARGEST
  /** How many Services hold a hairpin pair: backends may be shared. */
  #hairpins = new Map<string, number>()

  constructor(settings: RulesetSettings, transaction: Transaction) {
    this.#settings = settings
    this.#transaction = transaction
  }

  async replace(services: ServiceChanges): Promise<void> {
    const { table } = this.#settings
    const wanted = prepare(services)
    const largest = Math.max(USUAL_LARGEST, ...Array.from(wanted.values(), ({ elements }) => elements.largest))
    const parts = [`table ip ${table}\ndelete table ip ${table}\n`, skeleton(this.#settings, largest)]
    for (const container of CONTAINERS) {
      const all = new Map(Array.from(wanted.values()).flatMap(({ elements }) => [...elements.values[container]]))
      parts.push(elementCommand('add', table, container, all))
    }
    await this.#transaction(parts.join(''))
    this.#services = wanted
    this.#largest = largest
    this.#hairpins = new Map()
    for (const { elements } of wanted.values()) count(this.#hairpins, elements, 1)
  }

  async update(changes: ServiceChanges): Promise<void> {
    const { table } = this.#settings
    const wanted = prepare(changes)
    if (Array.from(wanted.values()).some(({ elements }) => elements.largest > this.#largest)) {
      const all = Array.from(this.#services, ([name, { servers }]) => [name, servers] as const)
      return this.replace(new Map([...all, ...changes]))
    }
    const commands = { gone: '', come: '' }
    for (const container of CONTAINERS) {
      const { gone, come } = container === 'hairpin' ? this.#hairpinDifference(wanted) : this.#difference(container, wanted)
      commands.gone += elementCommand('delete', table, container, gone)
      commands.come += elementCommand('add', table, container, come)
    }
    if (commands.gone + commands.come !== '') await this.#transaction(commands.gone + commands.come)
    for (const [name, applied] of wanted) {
      const before = this.#services.get(name)
      if (before) count(this.#hairpins, before.elements, -1)
      count(this.#hairpins, applied.elements, 1)
      if (applied.servers.length === 0) this.#services.delete(name)
      else this.#services.set(name, applied)
    }
  }

  async remove(): Promise<void> {
    const { table } = this.#settings
    await this.#transaction(`table ip ${table}\ndelete table ip ${table}\n`)
    this.#services.clear()
    this.#hairpins.clear()
  }

  /** An element whose value changes is deleted and added again, in the same transaction. */
  #difference(container: Container, wanted: ReadonlyMap<string, Applied>) {
    const gone = new Map<string, string>()
    const come = new Map<string, string>()
    for (const name of wanted.keys()) {
      for (const [key, value] of this.#services.get(name)?.elements.values[container] ?? []) gone.set(key, value)
    }
    for (const { elements } of wanted.values()) {
      for (const [key, value] of elements.values[container]) {
        if (gone.get(key) === value) gone.delete(key)
        else come.set(key, value)
      }
    }
    return { gone, come }
  }

  #hairpinDifference(wanted: ReadonlyMap<string, Applied>) {
    const changes = new Map<string, number>()
    for (const [name, { elements }] of wanted) {
      count(changes, elements, 1)
      const before = this.#services.get(name)
      if (before) count(changes, before.elements, -1)
    }
    const gone = new Map<string, string>()
    const come = new Map<string, string>()
    for (const [pair, by] of changes) {
      const before = this.#hairpins.get(pair) ?? 0
      if (before > 0 && before + by === 0) gone.set(pair, '')
      if (before === 0 && by > 0) come.set(pair, '')
    }
    return { gone, come }
  }
}

function prepare(services: ServiceChanges): Map<string, Applied> {
  return new Map(Array.from(services, ([name, servers]) => [name, { servers, elements: elementsOf(servers) }]))
}

function count(pairs: Map<string, number>, elements: Elements, by: 1 | -1): void {
  for (const pair of elements.values.hairpin.keys()) {
    const now = (pairs.get(pair) ?? 0) + by
    if (now === 0) pairs.delete(pair)
    else pairs.set(pair, now)
  }
}
