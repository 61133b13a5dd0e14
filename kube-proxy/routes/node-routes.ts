import { familyOf } from '../../shared/addresses/ip-families.ts'
import { packetWords } from '../../shared/addresses/packet-words.ts'
import { type Overlay, WRAPPING_BYTES } from '../../shared/pods/overlay.ts'
import type { PodRoute } from '../../shared/pods/pod-routes.ts'
import { CommandError, type RunCommand } from '../command.ts'
import { type MachineNetwork, PROTOCOL, readNetwork } from './machine-network.ts'
import { hardwareAddress, networkAddress, type Way, waysTo } from './way.ts'

export interface NodeRoutesOptions {
  readonly run: RunCommand
  /** Of all pods, of one family: ways are kept for each family apart. */
  readonly clusterCidr: string
  readonly overlay: Overlay
  /** Our interface of the overlay; each family has its own. */
  readonly device: string
  /** UDP port of the overlay, on every node. */
  readonly port: number
  /** This node's pods; undefined until it has its range. */
  readonly ownRange: () => string | undefined
}

/** Some nodes' pods are not reached; each failure is a cause, and the message has the first. */
export class UnreachedNodes extends AggregateError {
  override readonly name = 'UnreachedNodes'
  constructor(failures: ReadonlyMap<string, unknown>) {
    const [cause] = failures.values()
    super(failures.values(), `${[...failures.keys()].join(', ')}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/**
 * Keeps the ways to the other nodes' pods as they should be: routes on one link, VXLAN beyond. What is there is read from the kernel each
 * time, for links go down and addresses change, and routes go with them.
 */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions
  /** Peers of the overlay that the kernel was told of: range → address. */
  readonly #peers = new Map<string, string>()

  constructor(options: NodeRoutesOptions) {
    this.#options = options
  }

  /** Sets all ways that can be set, one call after the other. @throws UnreachedNodes */
  async apply(routes: readonly PodRoute[]): Promise<void> {
    const { run, clusterCidr, overlay, device } = this.#options
    // Unknown pod addresses end in a black hole here: the default gateway might answer for them.
    await run(['ip', 'route', 'replace', 'blackhole', clusterCidr, 'metric', '4000', 'proto', PROTOCOL])
    const network = await readNetwork(run, device, familyOf(clusterCidr))
    const ways = waysTo(routes, network.links, overlay)
    const failures = new Map<string, unknown>()
    const attempt = (range: string, act: () => Promise<void>) => act().catch((error: unknown) => void failures.set(range, error))
    const wanted = new Set(ways.map(({ range }) => range))
    for (const range of network.routes.keys()) {
      if (!wanted.has(range)) await attempt(range, async () => void (await run(['ip', 'route', 'del', range, 'proto', PROTOCOL])))
    }
    for (const way of ways) {
      if (!way.isWrapped) await attempt(way.range, () => this.#lead(network, way.range, way.via, ''))
    }
    await this.#leadAllWrapped(network, ways, attempt)
    if (failures.size > 0) throw new UnreachedNodes(failures)
  }

  async #leadAllWrapped(
    network: MachineNetwork,
    ways: readonly Way[],
    attempt: (range: string, act: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const wrapped = ways.filter(({ isWrapped }) => isWrapped)
    const stays = new Set(wrapped.map(({ range }) => range))
    for (const range of this.#peers.keys()) if (!stays.has(range)) await this.#forget(range)
    const { run, device } = this.#options
    if (wrapped.length === 0) {
      // What the overlay knows goes with its interface.
      if (network.overlay) await attempt(device, async () => void (await run(['ip', 'link', 'del', device])))
      return
    }
    const ownRange = this.#options.ownRange()
    if (ownRange === undefined) return
    let isKept = false
    await attempt(device, async () => {
      await this.#keepDevice(network, ownRange)
      isKept = true
    })
    if (isKept) for (const way of wrapped) await attempt(way.range, () => this.#leadWrapped(network, way))
  }

  /** Left alone where it is right: what the kernel was told of peers goes with it. */
  async #keepDevice({ overlay, mtu, links }: MachineNetwork, ownRange: string): Promise<void> {
    const { run, device, port } = this.#options
    const family = familyOf(ownRange)
    const [hardware, size] = [hardwareAddress(ownRange), String(mtu - WRAPPING_BYTES[family])]
    // An interface that wraps in IPv6 is one that was given an address of its own.
    const local = family === 'IPv6' ? links[0]?.split('/')[0] : undefined
    if (overlay?.hardware === hardware && overlay.port === port && overlay.isUp && overlay.local === local) {
      if (String(overlay.mtu) !== size) await run(['ip', 'link', 'set', device, 'mtu', size])
      return
    }
    this.#peers.clear()
    if (overlay) await run(['ip', 'link', 'del', device])
    const from = local === undefined ? [] : ['local', local]
    await run(['ip', 'link', 'add', device, 'type', 'vxlan', 'id', '1', 'dstport', String(port), 'nolearning', ...from])
    await run(['ip', 'link', 'set', device, 'address', hardware, 'mtu', size])
    await run(['ip', 'addr', 'replace', `${networkAddress(ownRange)}/${packetWords(family).single}`, 'dev', device])
    // Up comes last: an interface that is up is a whole one, whenever this process dies.
    await run(['ip', 'link', 'set', device, 'up'])
  }

  async #leadWrapped(network: MachineNetwork, { range, via }: Way): Promise<void> {
    const { run, device } = this.#options
    const [address, hardware] = [networkAddress(range), hardwareAddress(range)]
    if (this.#peers.get(range) === via) return this.#lead(network, range, address, device)
    await run(['ip', 'neigh', 'replace', address, 'lladdr', hardware, 'dev', device, 'nud', 'permanent'])
    await run(['bridge', 'fdb', 'replace', hardware, 'dev', device, 'dst', via])
    // Always: a route that was read may have gone with the interface before.
    await this.#setRoute(range, address, device)
    this.#peers.set(range, via)
  }

  async #lead({ routes }: MachineNetwork, range: string, via: string, device: string): Promise<void> {
    if (routes.get(range) !== `${via} ${device}`) await this.#setRoute(range, via, device)
  }

  async #setRoute(range: string, via: string, device: string): Promise<void> {
    const how = device === '' ? [] : ['dev', device, 'onlink']
    await this.#options.run(['ip', 'route', 'replace', range, 'via', via, ...how, 'proto', PROTOCOL])
  }

  async #forget(range: string): Promise<void> {
    const { run, device } = this.#options
    this.#peers.delete(range)
    for (const command of [
      ['ip', 'neigh', 'del', networkAddress(range), 'dev', device],
      ['bridge', 'fdb', 'del', hardwareAddress(range), 'dev', device],
    ]) {
      // Gone already: somebody took the interface away.
      await run(command).catch((error) => {
        if (!(error instanceof CommandError)) throw error
      })
    }
  }
}
