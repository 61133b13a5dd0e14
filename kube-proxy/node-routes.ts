import type { Node } from '../shared/openapi/generated/core-v1.ts'
import type { RunCommand } from './command.ts'

/** A pod range and the node it is reached through. */
export interface PodRoute {
  readonly range: string
  readonly via: string
}

/** Pure: the routes this node needs to every other node's pods. Nodes without a range or an address have none yet. */
export function podRoutes(nodes: readonly Node[], nodeName: string): PodRoute[] {
  return nodes
    .filter((node) => node.metadata.name !== nodeName)
    .flatMap((node) => {
      const via = node.status.addresses?.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address
      const range = node.spec.podCIDR
      return via && range && !range.includes(':') ? [{ range, via }] : []
    })
}

/** Our mark on routes, so that only ours are ever removed (`ip route` protocol number). */
const PROTOCOL = '67'

/** Keeps direct routes to the other nodes' pods, for nodes on one link (decision 0005; VXLAN is the other way). */
export class NodeRoutes {
  readonly #run: RunCommand
  readonly #clusterCidr: string
  #applied: ReadonlyMap<string, string> | undefined

  constructor(run: RunCommand, clusterCidr: string) {
    this.#run = run
    this.#clusterCidr = clusterCidr
  }

  async apply(routes: readonly PodRoute[]): Promise<void> {
    const known = this.#applied ?? (await this.#begin())
    const wanted = new Map(routes.map(({ range, via }) => [range, via]))
    for (const [range, via] of wanted) {
      if (known.get(range) !== via) await this.#run(['ip', 'route', 'replace', range, 'via', via, 'proto', PROTOCOL])
    }
    for (const range of known.keys()) if (!wanted.has(range)) await this.#run(['ip', 'route', 'del', range, 'proto', PROTOCOL])
    this.#applied = wanted
  }

  /** What an earlier process left is taken over. Unknown pod addresses end in a black hole here: the default gateway might answer for them. */
  async #begin(): Promise<ReadonlyMap<string, string>> {
    await this.#run(['ip', 'route', 'replace', 'blackhole', this.#clusterCidr, 'metric', '4000', 'proto', PROTOCOL])
    const listed: unknown = JSON.parse((await this.#run(['ip', '-j', 'route', 'show', 'proto', PROTOCOL])) || '[]')
    const known = new Map<string, string>()
    for (const route of Array.isArray(listed) ? listed : []) {
      if (typeof route?.dst === 'string' && typeof route.gateway === 'string') known.set(route.dst, route.gateway)
    }
    return known
  }
}
