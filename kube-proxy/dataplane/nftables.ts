import { packetWords } from '../../shared/addresses/packet-words.ts'
import type { VirtualServer } from '../virtual-server.ts'
import { rememberedClients } from './affinity.ts'
import { type Chain, chainText } from './chains.ts'
import { CONTAINER_NAMES, type Container } from './containers.ts'
import type { Dataplane, NodePlace, ServiceChanges } from './dataplane.ts'
import { type Elements, elementsOf } from './elements.ts'
import { elementCommand, type RulesetSettings, removal, skeleton } from './ruleset.ts'
import type { RunNft } from './run-nft.ts'

interface Applied {
  readonly servers: readonly VirtualServer[]
  readonly elements: Elements
}

/** Containers in which several Services may want one element. */
const SHARED: readonly Container[] = ['hairpin', 'cluster_ips']

/**
 * Services as data in the maps of one nftables table: a change is a few elements, whatever the number of Services.
 * What is applied is remembered, never read back: listing a large table takes seconds.
 */
export class NftablesDataplane implements Dataplane {
  readonly #settings: RulesetSettings
  readonly #nft: RunNft
  #services = new Map<string, Applied>()
  /** Names of those that are there. One that nothing leads to any more stays until the next `replace`. */
  #chains = new Set<string>()
  /** How many Services hold an element, by its container and text. */
  #shared = new Map<string, number>()

  constructor(settings: RulesetSettings, nft: RunNft) {
    this.#settings = settings
    this.#nft = nft
  }

  async replace(services: ServiceChanges, place: NodePlace): Promise<void> {
    const settings = this.#settings
    const wanted = prepare(services)
    const chains = chainsOf(wanted)
    const parts = [removal(settings), skeleton(settings), placeText(settings, place)]
    for (const chain of chains.values()) parts.push(chainText(settings, chain))
    for (const container of CONTAINER_NAMES) {
      const all = new Map(Array.from(wanted.values()).flatMap(({ elements }) => [...elements.values[container]]))
      parts.push(elementCommand('add', settings, container, all))
    }
    parts.push(elementCommand('add', settings, 'affinity', await rememberedClients(settings, this.#nft)))
    await this.#transaction(parts.join(''))
    this.#services = wanted
    this.#chains = new Set(chains.keys())
    this.#shared = new Map()
    for (const { elements } of wanted.values()) count(this.#shared, elements, 1)
  }

  async update(changes: ServiceChanges): Promise<void> {
    const settings = this.#settings
    const wanted = prepare(changes)
    const chains = [...chainsOf(wanted)].filter(([name]) => !this.#chains.has(name))
    // Before anything leads to them: a packet that began before a change finds no rules in a chain that came with it.
    if (chains.length > 0) await this.#transaction(chains.map(([, chain]) => chainText(settings, chain)).join(''))
    for (const [name] of chains) this.#chains.add(name)
    const commands = { gone: '', come: '' }
    for (const container of CONTAINER_NAMES) {
      const { gone, come } = SHARED.includes(container) ? this.#sharedDifference(container, wanted) : this.#difference(container, wanted)
      commands.gone += elementCommand('delete', settings, container, gone)
      commands.come += elementCommand('add', settings, container, come)
    }
    const text = commands.gone + commands.come
    if (text !== '') await this.#transaction(text)
    for (const [name, applied] of wanted) {
      const before = this.#services.get(name)
      if (before) count(this.#shared, before.elements, -1)
      count(this.#shared, applied.elements, 1)
      if (applied.servers.length === 0) this.#services.delete(name)
      else this.#services.set(name, applied)
    }
  }

  async move(place: NodePlace): Promise<void> {
    await this.#transaction(placeText(this.#settings, place))
  }

  async remove(): Promise<void> {
    await this.#transaction(removal(this.#settings))
    this.#services.clear()
    this.#chains.clear()
    this.#shared.clear()
  }

  async #transaction(text: string): Promise<void> {
    await this.#nft(['-f', '-'], text)
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

  #sharedDifference(container: Container, wanted: ReadonlyMap<string, Applied>) {
    const changes = new Map<string, number>()
    const add = (elements: Elements | undefined, by: 1 | -1) => {
      for (const key of elements?.values[container].keys() ?? []) changes.set(key, (changes.get(key) ?? 0) + by)
    }
    for (const [name, { elements }] of wanted) {
      add(elements, 1)
      add(this.#services.get(name)?.elements, -1)
    }
    const gone = new Map<string, string>()
    const come = new Map<string, string>()
    for (const [key, by] of changes) {
      const before = this.#shared.get(`${container} ${key}`) ?? 0
      if (before > 0 && before + by === 0) gone.set(key, '')
      if (before === 0 && by > 0) come.set(key, '')
    }
    return { gone, come }
  }
}

function prepare(services: ServiceChanges): Map<string, Applied> {
  return new Map(Array.from(services, ([name, servers]) => [name, { servers, elements: elementsOf(servers) }]))
}

function chainsOf(wanted: ReadonlyMap<string, Applied>): Map<string, Chain> {
  const all = new Map<string, Chain>()
  for (const { elements } of wanted.values()) for (const [name, chain] of elements.chains) all.set(name, chain)
  return all
}

function placeText(settings: RulesetSettings, { podRanges, nodePortRanges }: NodePlace): string {
  const set = (name: string, ranges: readonly string[]) =>
    `flush set ${packetWords(settings.family).header} ${settings.table} ${name}\n${elementCommand(
      'add',
      settings,
      name,
      ranges.map((range) => [range, '']),
    )}`
  return set('own_pods', podRanges) + set('node_port_addresses', nodePortRanges)
}

function count(shared: Map<string, number>, elements: Elements, by: 1 | -1): void {
  for (const container of SHARED) {
    for (const key of elements.values[container].keys()) {
      const element = `${container} ${key}`
      const now = (shared.get(element) ?? 0) + by
      if (now === 0) shared.delete(element)
      else shared.set(element, now)
    }
  }
}
