import type { VirtualServer } from './virtual-server.ts'

/** What one Service asks for. */
interface Wish {
  /** The older of two has the smaller text. */
  readonly age: string
  readonly doors: readonly string[]
}

/**
 * Which Service an external address and port lead to when several name it: the oldest. Nothing outside keeps two load balancers from giving
 * one address to two Services; in the rules there is one entry, and the end of one Service must not be the end of the other's.
 */
export class ExternalDoors {
  readonly #wishes = new Map<string, Wish>()
  /** By address, protocol and port: who asks for it. */
  readonly #askers = new Map<string, Set<string>>()

  /**
   * Notes what a Service asks for now (nothing: it is gone).
   * @param created when it was, as the API writes it
   * @returns other Services that may have another share by that
   */
  ask(service: string, created: string, servers: readonly VirtualServer[]): Set<string> {
    const before = this.#wishes.get(service)
    const next = { age: `${created} ${service}`, doors: servers.flatMap(doorsOf) }
    for (const door of before?.doors ?? []) this.#leave(door, service)
    if (next.doors.length > 0) this.#wishes.set(service, next)
    else this.#wishes.delete(service)
    for (const door of next.doors) this.#askers.set(door, (this.#askers.get(door) ?? new Set()).add(service))
    const touched = new Set([...(before?.doors ?? []), ...next.doors].flatMap((door) => [...(this.#askers.get(door) ?? [])]))
    touched.delete(service)
    return touched
  }

  /** The servers of a Service without the doors that are an older one's, which `yields` is told. */
  share(service: string, servers: readonly VirtualServer[], yields: (door: string, owner: string) => void): VirtualServer[] {
    return servers.map((server) => {
      const externalAddresses = server.externalAddresses.filter((address) => {
        const door = doorOf(server, address)
        const owner = this.#ownerOf(door) ?? service
        if (owner !== service) yields(door, owner)
        return owner === service
      })
      return externalAddresses.length === server.externalAddresses.length ? server : { ...server, externalAddresses }
    })
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
