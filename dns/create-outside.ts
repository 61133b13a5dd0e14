import type { DnsState } from './dns-metrics.ts'
import { type ForwardCounts, Forwarder, type ForwarderTools } from './forward/forwarder.ts'
import { HostServers } from './forward/host-servers.ts'
import { LoopWatch } from './forward/loop-watch.ts'
import { Outside } from './outside.ts'

export interface OutsideOptions {
  /** The cluster's. */
  domain: string
  /** Where this server answers, which is nobody to ask. */
  own: readonly string[]
  /** The node's resolv.conf. */
  resolvConf: string
  counts?: ForwardCounts & { show(state: DnsState): void }
}

/** The way to servers outside. Nothing is asked or read before the first question. */
export function createOutside({ domain, own, resolvConf, counts }: OutsideOptions, tools: ForwarderTools): Outside {
  const loops = new LoopWatch(tools)
  const forwarder = new Forwarder(tools, { ...(counts && { counts }), failed: (server) => loops.check(server) })
  const host = new HostServers({
    ...{ file: resolvConf, own, clock: tools.clock, log: tools.log },
    changed: (servers) => {
      forwarder.forget()
      loops.keep(servers)
      for (const server of servers) loops.check(server)
    },
  })
  const outside = new Outside({ domain, forwarder, host, loops })
  counts?.show({ cached: () => forwarder.cache.size, hosts: () => outside.hosts.size, looping: () => loops.looping })
  return outside
}
