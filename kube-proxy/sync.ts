import type { IpFamily } from '../shared/addresses/ip-families.ts'
import type { Informer } from '../shared/informer/informer.ts'
import type { Logger } from '../shared/logging/logger.ts'
import { objectKey } from '../shared/objects/object.ts'
import { sameJson } from '../shared/objects/same-json.ts'
import type { Node, Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { type PodRoute, podRangeOf, podRoutes } from '../shared/pods/pod-routes.ts'
import { Bell } from '../shared/time/bell.ts'
import type { Clock } from '../shared/time/clock.ts'
import { pause } from '../shared/time/pause.ts'
import { type FlowWays, flowWays } from './conntrack.ts'
import type { Dataplane, NodePlace } from './dataplane/dataplane.ts'
import { ExternalDoors } from './external-doors.ts'
import { kubeletDoors, type NodePortAddresses, nodePlace, nodeView } from './node-facts.ts'
import { forwardedAddress, SERVICE_NAME_LABEL, virtualServers } from './service-table.ts'
import type { VirtualServer } from './virtual-server.ts'

/** How long after a failure everything is applied anew. */
const RETRY_MILLISECONDS = 1_000

export interface SyncParts {
  services: Informer<Service>
  /** Filed by Service under the lookup `service`. */
  slices: Informer<EndpointSlice>
  nodes: Informer<Node>
  dataplane: Dataplane
  routes: { apply(routes: readonly PodRoute[]): Promise<void> }
  /** Forgets flows of UDP and SCTP that are led elsewhere than these ways lead now; answers how many. */
  forget: (ways: readonly FlowWays[]) => Promise<number>
  /** Virtual addresses that something on the node itself answers (cluster DNS): never forwarded, never refused. */
  nodeLocalAddresses: ReadonlySet<string>
  nodeName: string
  /** Whether an address can be a Service's from outside: neither a cluster IP nor a Pod's. */
  isOutside: (address: string) => boolean
  /** The family that this works for; there is one for each, so that one that fails does not keep the other waiting. Default IPv4. */
  family?: IpFamily
  /** All Pod addresses of the family. */
  clusterCidr: string
  nodePortAddresses: NodePortAddresses
  clock: Clock
  log: Logger
  observer?: SyncObserver
}

/** Who is told what the proxy does: metrics, health. */
export interface SyncObserver {
  changed(what: 'service' | 'endpoint'): void
  /** What changed until now is being applied. */
  began(): void
  /** These Services (`namespace/name`) are applied now as the caches have them; all of them, or those that changed. */
  applied(how: 'full' | 'partial', seconds: number, services: readonly string[]): void
  failed(): void
  compared(seconds: number, forgotten: number): void
}

/** The slice's Service, as the informer's lookup files it. */
export function serviceOfSlice(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.[SERVICE_NAME_LABEL]
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`
}

/** Keeps packets flowing to where the API says: changed Services only, one transaction at a time, everything after a failure. */
export class Sync {
  readonly #parts: SyncParts
  readonly #applied = new Map<string, readonly VirtualServer[]>()
  #place: NodePlace | undefined
  readonly #doors = new ExternalDoors()
  /** Services that do without an external address of theirs, and why: said once. */
  readonly #yielding = new Map<string, string>()
  #dirty = new Set<string>()
  #routesDirty = true
  #complete = false
  readonly #bell = new Bell()

  constructor(parts: SyncParts) {
    this.#parts = parts
    parts.services.onChange((key) => this.#mark(key, 'service'))
    parts.slices.onChange((_key, current, previous) => {
      for (const key of new Set([current, previous].map((slice) => slice && serviceOfSlice(slice)))) this.#mark(key, 'endpoint')
    })
    parts.nodes.onChange((key, current, previous) => {
      const doors = current ? kubeletDoors(current) : []
      if (!previous || !sameJson(doors, kubeletDoors(previous))) for (const service of this.#doors.keepFor(key, doors)) this.#mark(service)
      if (key === parts.nodeName && zoneOf(key, current) !== zoneOf(key, previous)) this.#markAll()
      if (sameJson(whereOf(current), whereOf(previous))) return
      this.#routesDirty = true
      this.#bell.ring()
    })
  }

  get #family(): IpFamily {
    return this.#parts.family ?? 'IPv4'
  }

  /** True once everything known at the start was applied and nothing has failed since. */
  get healthy(): boolean {
    return this.#complete
  }

  /** What is forwarded now, for each Service. */
  get forwarded(): Iterable<readonly VirtualServer[]> {
    return this.#applied.values()
  }

  /** Applies until the signal aborts. Informers must be synced: what is not known yet would be taken away. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#apply()
        await this.#bell.rung(this.#dirty.size > 0 || this.#routesDirty, signal)
      } catch (error) {
        this.#complete = false
        this.#routesDirty = true
        this.#parts.observer?.failed()
        this.#parts.log.error('rules could not be applied; everything is tried again', { error })
        await pause(this.#parts.clock, RETRY_MILLISECONDS, signal)
      }
    }
  }

  async #apply(): Promise<void> {
    const { dataplane, clock, log, services, observer } = this.#parts
    if (this.#routesDirty) await this.#applyNodes()
    const dirty = this.#dirty
    this.#dirty = new Set()
    if (this.#complete && dirty.size === 0) return
    observer?.began()
    const began = clock.monotonic()
    const keys = this.#complete ? [...dirty] : [...new Set([...services.cache.list().map(objectKey), ...this.#applied.keys()])]
    const changes = this.#shares(keys)
    if (this.#complete) await dataplane.update(changes)
    else await dataplane.replace(changes, this.#placeNow())
    const ways = flowWays(
      [...changes.keys()].flatMap((key) => this.#applied.get(key) ?? []),
      [...changes.values()].flat(),
    )
    for (const [key, servers] of changes) {
      if (servers.length === 0) this.#applied.delete(key)
      else this.#applied.set(key, servers)
    }
    const seconds = (clock.monotonic() - began) / 1_000
    if (!this.#complete) log.info('all Services are applied', { services: this.#applied.size, milliseconds: Math.round(seconds * 1_000) })
    observer?.applied(this.#complete ? 'partial' : 'full', seconds, keys)
    this.#complete = true
    await this.#forget(ways)
  }

  async #forget(ways: readonly FlowWays[]): Promise<void> {
    const { clock, forget, observer } = this.#parts
    if (ways.length === 0) return
    const began = clock.monotonic()
    const forgotten = await forget(ways)
    observer?.compared((clock.monotonic() - began) / 1_000, forgotten)
  }

  async #applyNodes(): Promise<void> {
    const { nodes, routes, nodeName, clusterCidr, dataplane } = this.#parts
    this.#routesDirty = false
    // Its own range is reached by the routes that its network plugin makes.
    const node = nodes.cache.get(nodeName)
    const own = node && podRangeOf(node, this.#family)
    await routes.apply(podRoutes(nodes.cache.list(), [clusterCidr]).filter(({ range }) => range !== own))
    const before = this.#place
    const place = this.#placeNow()
    if (this.#complete && !sameJson(before, place)) await dataplane.move(place)
  }

  #placeNow(): NodePlace {
    this.#place = nodePlace(this.#parts.nodes.cache.get(this.#parts.nodeName), this.#parts.nodePortAddresses, this.#family)
    return this.#place
  }

  /** What these Services get, and those that share an external address with one of them: all changes of owner are one transaction. */
  #shares(keys: readonly string[]): Map<string, readonly VirtualServer[]> {
    const { services } = this.#parts
    const wanted = new Map<string, readonly VirtualServer[]>()
    const touched = new Set<string>()
    for (const key of keys) {
      const servers = this.#wanted(key)
      wanted.set(key, servers)
      const created = services.cache.get(key)?.metadata.creationTimestamp ?? ''
      for (const other of this.#doors.ask(key, created, servers)) touched.add(other)
    }
    for (const key of touched) if (!wanted.has(key)) wanted.set(key, this.#wanted(key))
    return new Map(Array.from(wanted, ([key, servers]) => [key, this.#share(key, servers)]))
  }

  #share(key: string, servers: readonly VirtualServer[]): readonly VirtualServer[] {
    const others = new Map<string, string>()
    const share = this.#doors.share(key, servers, (door, owner) => others.set(door, owner))
    const said = JSON.stringify([...others])
    if (others.size === 0) this.#yielding.delete(key)
    else if (this.#yielding.get(key) !== said) {
      this.#yielding.set(key, said)
      const addresses = Array.from(others, ([door, owner]) => `${door} is ${owner}'s`)
      this.#parts.log.warn('a Service is not reached at an address that leads to an older one', { service: key, addresses })
    }
    return share
  }

  #wanted(key: string): readonly VirtualServer[] {
    const service = this.#parts.services.cache.get(key)
    const address = service && forwardedAddress(service, this.#family)
    if (!service || address === undefined || this.#parts.nodeLocalAddresses.has(address)) return []
    const { slices, nodes, nodeName, isOutside } = this.#parts
    const node = nodeView(nodeName, nodes.cache.get(nodeName))
    return virtualServers(service, slices.cache.lookup('service', key), node, { family: this.#family, isOutside })
  }

  #mark(key: string | undefined, what?: 'service' | 'endpoint'): void {
    if (key === undefined) return
    if (what) this.#parts.observer?.changed(what)
    this.#dirty.add(key)
    this.#bell.ring()
  }

  /** For what concerns every Service, and happens hardly ever. */
  #markAll(): void {
    for (const key of this.#applied.keys()) this.#mark(key)
  }
}

/** What of a node leads to it, and to its pods. */
const whereOf = (node: Node | undefined) => node && [node.spec.podCIDR, node.spec.podCIDRs, node.status.addresses]

const zoneOf = (name: string, node: Node | undefined) => nodeView(name, node).zone
