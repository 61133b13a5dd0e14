import { IpRange } from '../shared/addresses/ip-range.ts'
import { createComponent } from '../shared/process/component.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import { machineCommands } from './command.ts'
import type { KubeProxyConfig } from './config.ts'
import { forgetMisledFlows } from './conntrack.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import { NodeRoutes } from './node-routes.ts'
import { Sync, serviceOfSlice } from './sync.ts'

/** Builds the proxy of one node; nothing runs, and no rule is touched, before `start`. Rules stay when it stops: traffic must not. */
export function createKubeProxy(config: KubeProxyConfig, tools: ProcessTools): Service {
  return createComponent('kube-proxy', config, tools, ({ informers, clock, log }) => {
    const command = machineCommands()
    const ruleset = { table: config.table, clusterCidr: config.clusterCidr, serviceCidr: config.serviceClusterIpRange }
    const inside = [config.clusterCidr, config.serviceClusterIpRange].map((range) => IpRange.parse(range))
    const sync = new Sync({
      services: informers.of('v1', 'Service'),
      slices: informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOfSlice }),
      nodes: informers.of('v1', 'Node'),
      dataplane: new NftablesDataplane(ruleset, (args, input) => command(['nft', ...args], input)),
      routes: new NodeRoutes(command, config.clusterCidr),
      forget: (ways) => forgetMisledFlows(ways, command),
      isOutside: (address) => !inside.some((range) => range?.holds(address)),
      nodeLocalAddresses: new Set(config.nodeLocalAddresses),
      nodeName: config.nodeName,
      clusterCidr: config.clusterCidr,
      nodePortAddresses: config.nodePortAddresses,
      clock,
      log,
    })
    return {
      ready: { rules: () => (sync.healthy ? undefined : 'the rules are not applied') },
      run: (signal) => sync.run(signal),
    }
  })
}
