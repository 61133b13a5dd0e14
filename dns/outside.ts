import { type Configuration, defaultConfiguration } from './configuration/configuration.ts'
import type { Hosts } from './configuration/hosts.ts'
import type { Forwarder } from './forward/forwarder.ts'
import type { HostServers } from './forward/host-servers.ts'
import type { LoopWatch } from './forward/loop-watch.ts'
import type { ServerAddress } from './forward/server-address.ts'
import { flag } from './message/codes.ts'
import { CHECKING_DISABLED } from './message/opt.ts'
import type { Query } from './message/query.ts'

export interface OutsideParts {
  /** The cluster's. */
  domain: string
  forwarder: Forwarder
  host: HostServers
  loops: LoopWatch
}

/** Everything that is not the cluster's: whom to ask for which name, and what not to ask. */
export class Outside {
  readonly #parts: OutsideParts
  #configuration = defaultConfiguration

  constructor(parts: OutsideParts) {
    this.#parts = parts
  }

  /** Reads what the node says of servers and search domains, before anybody asks. */
  async prepare(): Promise<void> {
    await this.#parts.host.current()
  }

  /** Names that people set themselves. */
  get hosts(): Hosts {
    return this.#configuration.hosts
  }

  /** From now on; what was learned before is forgotten. */
  configure(configuration: Configuration): void {
    this.#configuration = configuration
    this.#parts.forwarder.forget()
    const servers = [...configuration.upstreamNameservers, ...[...configuration.stubDomains.values()].flat()]
    this.#parts.loops.keep([...servers, ...this.#parts.host.known.servers])
    for (const server of servers) this.#parts.loops.check(server)
  }

  /** Whether the question is one of our own that came back. */
  isProbe(name: string): boolean {
    return this.#parts.loops.notice(name)
  }

  /**
   * Whether a name is one of the cluster with a search domain of the node behind it, as resolvers ask on their way through their list. There is no such
   * name, and nobody outside is asked: a domain that answers every name would otherwise answer for names of the cluster that are not there.
   */
  isSearched(name: string): boolean {
    const { domain, host } = this.#parts
    return host.known.searches.some((search) => name.endsWith(`.${domain}.${search}`))
  }

  /**
   * What is said outside of a name, whole; at once where it is known.
   * @throws UpstreamError (by its promise) when nobody answers
   */
  ask(query: Query, name: string, question: Buffer): Buffer | Promise<Buffer> {
    const flags = query.flags & (flag.recursionDesired | CHECKING_DISABLED)
    const dnssecOk = query.edns?.dnssecOk ?? false
    const key = `${name} ${query.type} ${flags}${dnssecOk ? ' signed' : ''}`
    return this.#parts.forwarder.ask(key, { question, flags, dnssecOk }, () => this.#servers(name))
  }

  async #servers(name: string): Promise<readonly ServerAddress[]> {
    const { upstreamNameservers } = this.#configuration
    const stub = this.#stubFor(name)
    const servers = stub ?? (upstreamNameservers.length > 0 ? upstreamNameservers : (await this.#parts.host.current()).servers)
    const usable = this.#parts.loops.usable(servers)
    if (usable.length === 0 && servers.length > 0) throw new Error('each server outside asks this one back')
    return usable
  }

  /** Of the domains that a name is in, the smallest with servers of its own. */
  #stubFor(name: string): readonly ServerAddress[] | undefined {
    const { stubDomains } = this.#configuration
    if (stubDomains.size === 0) return undefined
    for (let domain = name; ; domain = domain.slice(domain.indexOf('.') + 1)) {
      const servers = stubDomains.get(domain)
      if (servers || !domain.includes('.')) return servers
    }
  }
}
