import type { Node } from '../../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../../shared/time/clock.ts'
import type { InstanceMetadata, Instances } from '../../provider.ts'
import type { HetznerApi } from './hetzner-api.ts'
import { type HetznerServer, parseServer, serverAddresses } from './server.ts'

const PREFIX = 'hcloud://'
/** One list for all questions of a few seconds: an hour has 3,600 requests. */
const LIST_LASTS = 10_000

/** The id of the server behind a node, when the node has one of this cloud. */
export function serverIdOf({ spec }: Node): number | undefined {
  const id = spec.providerID?.startsWith(PREFIX) ? spec.providerID.slice(PREFIX.length) : ''
  return /^\d{1,15}$/.test(id) ? Number(id) : undefined
}

/** Servers behind nodes: by the id in the provider id, or, for a node that has none yet, by the name. */
export class HetznerInstances implements Instances {
  readonly #api: HetznerApi
  readonly #clock: Clock
  readonly #network: number | undefined
  #listed: { at: number; servers: Promise<HetznerServer[]> } | undefined

  constructor(api: HetznerApi, clock: Clock, network: number | undefined) {
    this.#api = api
    this.#clock = clock
    this.#network = network
  }

  async exists(node: Node, signal: AbortSignal): Promise<boolean> {
    // A node of another cloud, or of none, is nobody's here to delete.
    if (node.spec.providerID && serverIdOf(node) === undefined) return true
    return (await this.find(node, signal)) !== undefined
  }

  async isShutDown(node: Node, signal: AbortSignal): Promise<boolean> {
    return (await this.find(node, signal))?.status === 'off'
  }

  async metadata(node: Node, signal: AbortSignal): Promise<InstanceMetadata | undefined> {
    const server = await this.find(node, signal)
    if (!server) return undefined
    return {
      providerID: `${PREFIX}${server.id}`,
      instanceType: server.type,
      zone: server.datacenter ?? server.location,
      region: server.location,
      addresses: serverAddresses(server, this.#network),
    }
  }

  /** The server of a node. That there is none is asked once more of the server itself: lists may be behind. */
  async find(node: Node, signal: AbortSignal): Promise<HetznerServer | undefined> {
    const id = serverIdOf(node)
    const known = (await this.#all(signal)).find((server) => (id === undefined ? server.name === node.metadata.name : server.id === id))
    if (known || id === undefined) return known
    return this.#api.find(`/servers/${id}`, 'server', parseServer, signal)
  }

  #all(signal: AbortSignal): Promise<HetznerServer[]> {
    const now = this.#clock.monotonic()
    if (this.#listed && now - this.#listed.at < LIST_LASTS) return this.#listed.servers
    const servers = this.#api.list('/servers', 'servers', {}, parseServer, signal)
    const listed = { at: now, servers }
    this.#listed = listed
    servers.catch(() => {
      if (this.#listed === listed) this.#listed = undefined
    })
    return servers
  }
}
