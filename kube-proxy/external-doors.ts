import type { VirtualServer } from './virtual-server.ts'

/** What one Service asks for, or what a node has. */
interface Wish {
  /** The older of two has the smaller text. */
  readonly age: string
  readonly doors: readonly string[]
}

/** Before every Service: a node that comes after one has its doors all the same. */
const NODE_AGE = ''

/**
 * Which Service an external address and port lead to when several name it: the oldest. Nothing outside keeps two load balancers from giving
 * one address to two Services; in the rules there is one entry, and the end of one Service must not be the end of the other's.
 * Nor may a Service take a node's own doors, by which its kubelet is reached: the API server does not know the address of a node that joins later.
 */
export class ExternalDoors {
  readonly #wishes = new Map<string, Wish>()
  /** By address, protocol and port: who asks for it. */
  readonly #askers = new Map<string, Set<string>>()
  readonly #nodes = new Set<string>()

  /**
   * Notes what a Service asks for now (nothing: it is gone).
   * @param created when it was, as the API writes it
   * @returns other Services that may have another share by that
   */
  ask(service: string, created: string, servers: readonly VirtualServer[]): Set<string> {
    return this.#wish(service, `${created} ${service}`, servers.flatMap(doorsOf))
  }

  /** Notes the doors that a node has now (none: it is gone). Answers the Services that may have another share by that. */
  keepFor(node: string, doors: readonly string[]): Set<string> {
    const holder = `the kubelet of node ${node}`
    if (doors.length > 0) this.#nodes.add(holder)
    else this.#nodes.delete(holder)
    return this.#wish(holder, NODE_AGE, doors)
  }

  /** The servers of a Service without the doors that are an older one's, which `yields` is told. */
  share(service: string, servers: readonly VirtualServer[], yields: (door: string, owner: string) => void): VirtualServer[] {
    return servers.map((server) => {
      const isOwn = (address: string) => {
        const owner = this.#ownerOf(doorOf(server, address)) ?? service
        if (owner !== service) yields(doorOf(server, address), owner)
        return owner === service
      }
      const externalAddresses = server.externalAddresses.filter(isOwn)
      if (externalAddresses.length === server.externalAddresses.length) return server
      const addresses = server.restricted?.addresses.filter((address) => externalAddresses.includes(address)) ?? []
      return { ...server, externalAddresses, restricted: server.restricted && { ...server.restricted, addresses } }
    })
  }

  #wish(asker: string, age: string, doors: readonly string[]): Set<string> {
    const before = this.#wishes.get(asker)?.doors ?? []
    for (const door of before) this.#leave(door, asker)
    if (doors.length > 0) this.#wishes.set(asker, { age, doors })
    else this.#wishes.delete(asker)
    for (const door of doors) this.#askers.set(door, (this.#askers.get(door) ?? new Set()).add(asker))
    const touched = new Set([...before, ...doors].flatMap((door) => [...(this.#askers.get(door) ?? [])]))
    touched.delete(asker)
    for (const node of this.#nodes) touched.delete(node)
    return touched
  }

  #ownerOf(door: string): string | undefined {
    const age = (service: string) => this.#wishes.get(service)?.age ?? ''
    return [...(this.#askers.get(door) ?? [])].sort((one, other) => (age(one) < age(other) ? -1 : 1))[0]
  }

  #leave(door: string, service: string): void {
    const askers = this.#askers.get(door)
    askers?.delete(service)
    if (askers?.size === 0) this.#askers.delete(door)
  }
}

function doorsOf(server: VirtualServer): string[] {
  return server.externalAddresses.map((address) => doorOf(server, address))
}

const doorOf = ({ protocol, port }: VirtualServer, address: string) => `${address}:${port}/${protocol}`
