import { familyOf, type IpFamily } from '../../shared/addresses/ip-families.ts'
import { IpRange, rangesAround } from '../../shared/addresses/ip-range.ts'
import type { Backend, VirtualServer } from '../virtual-server.ts'
import { aliveOf, type Chain, type Clients, chainName, OUTSIDE_FIRST } from './chains.ts'
import { CONTAINER_NAMES, type Container, type Prefix } from './containers.ts'
import { slotsOf } from './slots.ts'

/** What one Service adds to the table, as text in nft's grammar. */
export interface Elements {
  /** For sets the value is empty. */
  readonly values: Readonly<Record<Container, ReadonlyMap<string, string>>>
  /** The chains that its elements name. */
  readonly chains: ReadonlyMap<string, Chain>
}

/**
 * Pure: the elements of a Service. Two elements of one container never share a key within a cluster, but for hairpin pairs and cluster IPs,
 * which are counted.
 */
export function elementsOf(servers: readonly VirtualServer[]): Elements {
  const builder = new ElementsBuilder()
  for (const server of servers) builder.add(server)
  return builder
}

class ElementsBuilder implements Elements {
  readonly values: Record<Container, Map<string, string>>
  readonly chains = new Map<string, Chain>()

  constructor() {
    this.values = Object.fromEntries(CONTAINER_NAMES.map((name) => [name, new Map()])) as Record<Container, Map<string, string>>
  }

  add(server: VirtualServer): void {
    const { protocol, port, nodePort, backends, clusterBackends, externalBackends } = server
    for (const { address } of [...backends, ...clusterBackends, ...externalBackends]) this.values.hairpin.set(`${address} . ${address}`, '')
    for (const address of server.addresses) {
      const door = `${address} . ${protocol} . ${port}`
      this.values.cluster_ips.set(address, '')
      if (backends.length > 0) this.values.services.set(door, this.#balance('', door, 'inside', server, backends))
      else this.values.refused.set(door, refusal(server))
    }
    for (const address of server.externalAddresses) this.#openOutside('', `${address} . ${protocol} . ${port}`, server)
    if (nodePort !== undefined) this.#openOutside('node_', `${protocol} . ${nodePort}`, server)
    for (const address of server.restricted?.addresses ?? []) {
      const door = `${address} . ${protocol} . ${port}`
      this.values.restricted.set(door, '')
      for (const range of widest(server.restricted?.sources ?? [], familyOf(address))) this.values.allowed.set(`${door} . ${range}`, '')
    }
  }

  /** A way in for everybody: pods and the node are led as if there were no policy, others as externalTrafficPolicy says. */
  #openOutside(by: Prefix, door: string, server: VirtualServer): void {
    const { clusterBackends, externalBackends, keepsClientAddress } = server
    const [services, externals, refused] = [this.values[`${by}services`], this.values[`${by}externals`], this.values[`${by}refused`]]
    if (clusterBackends.length === 0) {
      refused.set(door, refusal(server))
      return
    }
    services.set(door, this.#balance(by, door, 'inside', server, clusterBackends))
    if (!keepsClientAddress)
      externals.set(door, this.#chain({ kind: kindOf(server), by, clients: 'outside', count: clusterBackends.length }))
    else if (externalBackends.length > 0) externals.set(door, this.#balance(by, door, 'kept', server, externalBackends))
    else {
      // Not led by what is for pods and the node: dropped, as it arrived.
      externals.set(door, 'accept')
      refused.set(door, 'drop')
    }
  }

  /** Puts the backends behind a door for these clients, and answers the verdict that leads there. */
  #balance(by: Prefix, door: string, clients: Clients, server: VirtualServer, backends: readonly Backend[]): string {
    const first = clients === 'kept' ? OUTSIDE_FIRST : 0
    if (server.affinitySeconds === undefined) {
      for (const [index, { address, port }] of backends.entries()) {
        this.values[`${by}endpoints`].set(`${door} . ${first + index}`, `${address} . ${port}`)
      }
    } else {
      const remember = this.#chain({ kind: 'remember', by, seconds: server.affinitySeconds })
      for (const [index, { slot, backend }] of slotsOf(backends).entries()) {
        this.values[`${by}choices`].set(`${door} . ${first + index}`, `${slot}`)
        this.values[aliveOf({ by, clients })].set(`${door} . ${slot}`, remember)
        this.values[`${by}endpoints`].set(`${door} . ${slot}`, `${backend.address} . ${backend.port}`)
      }
    }
    return this.#chain({ kind: kindOf(server), by, clients, count: backends.length })
  }

  #chain(chain: Chain): string {
    const name = chainName(chain)
    this.chains.set(name, chain)
    return `goto ${name}`
  }
}

const kindOf = ({ affinitySeconds }: VirtualServer) => (affinitySeconds === undefined ? 'random' : 'sticky')

/** Where nobody is at all, one is told so; where somebody is elsewhere and policy keeps one from there, one is not (as upstream). */
const refusal = ({ clusterBackends }: VirtualServer) => (clusterBackends.length === 0 ? 'goto refuse' : 'drop')

/** Ranges without those that lie in another one of them: nft refuses intervals that overlap. */
function widest(texts: readonly string[], family: IpFamily): string[] {
  const ranges = texts.flatMap((text) => (familyOf(text) === family ? (IpRange.parse(text) ?? []) : []))
  const all = new Set(ranges.map(({ bits }) => bits))
  const isInside = (range: IpRange) => rangesAround(range).some((larger) => larger !== range.bits && all.has(larger))
  return [...new Set(ranges.filter((range) => !isInside(range)).map(({ text }) => text))]
}
