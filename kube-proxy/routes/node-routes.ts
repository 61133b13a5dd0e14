import { type Overlay, WRAPPING_BYTES } from '../../shared/pods/overlay.ts'
import type { PodRoute } from '../../shared/pods/pod-routes.ts'
import { CommandError, type RunCommand } from '../command.ts'
import { type MachineNetwork, PROTOCOL, readNetwork } from './machine-network.ts'
import { hardwareAddress, networkAddress, type Way, waysTo } from './way.ts'

export interface NodeRoutesOptions {
  readonly run: RunCommand
  readonly clusterCidr: string
  readonly overlay: Overlay
  /** Our interface of the overlay. */
  readonly device: string
  /** UDP port of the overlay, on every node. */
  readonly port: number
  /** This node's pods; undefined until it has its range. */
  readonly ownRange: () => string | undefined
}

/**
 * Keeps the ways to the other nodes' pods as they should be: routes on one link, VXLAN beyond. What is there is read from the kernel each
 * time, for links go down and addresses change, and routes go with them.
 */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions
  #wanted: readonly PodRoute[] | undefined
  /** Peers of the overlay that the kernel was told of: range → address. */
  #peers = new Map<string, string>()
  #last: Promise<void> = Promise.resolve()

  constructor(options: NodeRoutesOptions) {
    this.#options = options
  }

  /** @throws CommandError */
  apply(routes: readonly PodRoute[]): Promise<void> {
    this.#wanted = routes
    return this.restore()
  }

  /** Sets again what the machine lost of what was last applied. @throws CommandError */
  restore(): Promise<void> {
    this.#last = this.#last.then(
      () => this.#set(),
      () => this.#set(),
    )
    return this.#last
  }

  async #set(): Promise<void> {
    if (!this.#wanted) return
    const { run, clusterCidr, overlay, device } = this.#options
    // Unknown pod addresses end in a black hole here: the default gateway might answer for them.
    await run(['ip', 'route', 'replace', 'blackhole', clusterCidr, 'metric', '4000', 'proto', PROTOCOL])
    const network = await readNetwork(run, device)
    const ways = waysTo(this.#wanted, network.links, overlay)
    const wrapped = ways.filter(({ isWrapped }) => isWrapped)
    const ownRange = this.#options.ownRange()
    if (wrapped.length > 0 && ownRange !== undefined) await this.#keepDevice(network, ownRange)
    for (const way of ways) {
      if (!way.isWrapped) await this.#lead(network, way.range, way.via, '')
      else if (ownRange !== undefined) await this.#leadWrapped(network, way)
    }
    const wanted = new Set(ways.map(({ range }) => range))
    for (const range of network.routes.keys()) if (!wanted.has(range)) await run(['ip', 'route', 'del', range, 'proto', PROTOCOL])
    const stays = new Set(wrapped.map(({ range }) => range))
    for (const range of this.#peers.keys()) if (!stays.has(range)) await this.#forget(range)
    // What the overlay knows goes with its interface.
    if (wrapped.length === 0 && network.overlay) await run(['ip', 'link', 'del', device])
  }

  /** Left alone where it is right: with a hardware address the kernel forgets all neighbours, those told to stay too. */
  async #keepDevice({ overlay, mtu }: MachineNetwork, ownRange: string): Promise<void> {
    const { run, device, port } = this.#options
    const [hardware, size] = [hardwareAddress(ownRange), mtu - WRAPPING_BYTES]
    if (overlay?.address === hardware && overlay.mtu === size && overlay.isUp) return
    this.#peers.clear()
    if (!overlay) await run(['ip', 'link', 'add', device, 'type', 'vxlan', 'id', '1', 'dstport', String(port), 'nolearning'])
    await run(['ip', 'link', 'set', device, 'address', hardware, 'mtu', String(size), 'up'])
    await run(['ip', 'addr', 'replace', `${networkAddress(ownRange)}/32`, 'dev', device])
  }

  async #leadWrapped(network: MachineNetwork, { range, via }: Way): Promise<void> {
    const { run, device } = this.#options
    const [address, hardware] = [networkAddress(range), hardwareAddress(range)]
    if (this.#peers.get(range) !== via) {
      await run(['ip', 'neigh', 'replace', address, 'lladdr', hardware, 'dev', device, 'nud', 'permanent'])
      await run(['bridge', 'fdb', 'replace', hardware, 'dev', device, 'dst', via])
      this.#peers.set(range, via)
    }
    await this.#lead(network, range, address, device)
  }

  async #lead({ routes }: MachineNetwork, range: string, via: string, device: string): Promise<void> {
    if (routes.get(range) === `${via} ${device}`) return
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
