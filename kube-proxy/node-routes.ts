import type { PodRoute } from '../shared/pods/pod-routes.ts'
import type { RunCommand } from './command.ts'

/** Our mark on routes, so that only ours are ever removed (`ip route` protocol number). */
const PROTOCOL = '67'

/** Keeps direct routes to the other nodes' pods, for nodes on one link (decision 0005; VXLAN is the other way). */
export class NodeRoutes {
  readonly #run: RunCommand
  readonly #clusterCidr: string
  #isHoleMade = false

  constructor(run: RunCommand, clusterCidr: string) {
    this.#run = run
    this.#clusterCidr = clusterCidr
  }

  async apply(routes: readonly PodRoute[]): Promise<void> {
    // Unknown pod addresses end in a black hole here: the default gateway might answer for them.
    if (!this.#isHoleMade) await this.#run(['ip', 'route', 'replace', 'blackhole', this.#clusterCidr, 'metric', '4000', 'proto', PROTOCOL])
    this.#isHoleMade = true
    const known = await this.#present()
    const wanted = new Map(routes.map(({ range, via }) => [range, via]))
    for (const [range, via] of wanted) {
      if (known.get(range) !== via) await this.#run(['ip', 'route', 'replace', range, 'via', via, 'proto', PROTOCOL])
    }
    for (const range of known.keys()) if (!wanted.has(range)) await this.#run(['ip', 'route', 'del', range, 'proto', PROTOCOL])
  }

  /**
   * Read each time, never remembered: the kernel takes routes away with the last address of an interface, and this node may just have got
   * another one.
   */
  async #present(): Promise<ReadonlyMap<string, string>> {
    const listed: unknown = JSON.parse((await this.#run(['ip', '-j', 'route', 'show', 'proto', PROTOCOL])) || '[]')
    const known = new Map<string, string>()
    for (const route of Array.isArray(listed) ? listed : []) {
      if (typeof route?.dst === 'string' && typeof route.gateway === 'string') known.set(route.dst, route.gateway)
    }
    return known
  }
}
