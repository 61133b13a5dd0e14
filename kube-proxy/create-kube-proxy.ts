import { IpRange } from '../shared/addresses/ip-range.ts'
import { createComponent } from '../shared/process/component.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import { announcementsOf } from './announcements/announcements.ts'
import { machineCommands } from './command.ts'
import type { KubeProxyConfig } from './config.ts'
import { forgetMisledFlows } from './conntrack.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import { followPeers } from './policies/policy-peers.ts'
import { PolicyPlane } from './policies/policy-plane.ts'
import { PolicySync } from './policies/policy-sync.ts'
import { NodeRoutes } from './routes/node-routes.ts'
import { RouteKeeper } from './routes/route-keeper.ts'
import { Sync, serviceOfSlice } from './sync.ts'

/** Builds the proxy of one node; nothing runs, and no rule is touched, before `start`. Rules stay when it stops: traffic must not. */
export function createKubeProxy(config: KubeProxyConfig, tools: ProcessTools): Service {
  return createComponent('kube-proxy', config, tools, ({ client, informers, clock, random, log }) => {
    const command = machineCommands()
    const nft = async (text: string) => void (await command(['nft', '-f', '-'], text))
    const nodes = informers.of('v1', 'Node')
    const ruleset = { table: config.table, clusterCidr: config.clusterCidr, serviceCidr: config.serviceClusterIpRange }
    const inside = [config.clusterCidr, config.serviceClusterIpRange].map((range) => IpRange.parse(range))
    const ways = new NodeRoutes({
      ...{ run: command, clusterCidr: config.clusterCidr, overlay: config.overlay, device: config.overlayDevice, port: config.overlayPort },
      ownRange: () => nodes.cache.get(config.nodeName)?.spec.podCIDR,
    })
    const routes = new RouteKeeper(ways, clock, log)
    const sync = new Sync({
      services: informers.of('v1', 'Service'),
      slices: informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOfSlice }),
      nodes,
      dataplane: new NftablesDataplane(ruleset, (args, input) => command(['nft', ...args], input)),
      routes,
      forget: (ways) => forgetMisledFlows(ways, command),
      isOutside: (address) => !inside.some((range) => range?.holds(address)),
      nodeLocalAddresses: new Set(config.nodeLocalAddresses),
      nodeName: config.nodeName,
      clusterCidr: config.clusterCidr,
      nodePortAddresses: config.nodePortAddresses,
      clock,
      log,
    })
    const policies = new PolicySync({
      policies: informers.of('networking.k8s.io/v1', 'NetworkPolicy'),
      peers: (signal) => followPeers({ client, informers, clock, random, log }, signal),
      plane: new PolicyPlane(config.policyTable, nft),
      ...{ nodes, nodeName: config.nodeName, clock, log },
    })
    const announcements = announcementsOf(config, { informers, clock, log }, command)
    return {
      ready: {
        rules: () => (sync.healthy ? undefined : 'the rules are not applied'),
        policies: () => (policies.healthy ? undefined : 'the network policies are not applied'),
        routes: () => routes.problem,
        announcements: () => announcements.problem,
      },
      run: async (signal) =>
        void (await Promise.all([sync.run(signal), policies.run(signal), announcements.run(signal), routes.run(signal)])),
    }
  })
}
