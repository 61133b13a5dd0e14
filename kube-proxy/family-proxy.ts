import { familyOf, type IpFamily, ofFamily, rangeAround } from '../shared/addresses/ip-families.ts'
import type { Informer } from '../shared/informer/informer.ts'
import type { Node, Service } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import type { NetworkPolicy } from '../shared/openapi/generated/networking-v1.ts'
import { podRangeOf } from '../shared/pods/pod-routes.ts'
import type { ComponentTools } from '../shared/process/component.ts'
import type { RunCommand } from './command.ts'
import type { KubeProxyConfig } from './config.ts'
import { forgetMisledFlows } from './conntrack.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import type { RulesetSettings } from './dataplane/ruleset.ts'
import { PolicyPlane } from './policies/policy-plane.ts'
import { PolicySync, type PolicySyncParts } from './policies/policy-sync.ts'
import { overlayDeviceOf } from './routes/machine-network.ts'
import { NodeRoutes } from './routes/node-routes.ts'
import { RouteKeeper } from './routes/route-keeper.ts'
import { Sync, type SyncObserver } from './sync.ts'

/** All that works for one family of addresses: each has tables, routes and failures of its own, and does not wait for the other. */
export interface FamilyProxy {
  readonly family: IpFamily
  readonly ruleset: RulesetSettings
  readonly sync: Sync
  readonly policies: PolicySync
  readonly routes: RouteKeeper
}

export interface FamilyProxyParts extends Pick<ComponentTools, 'clock' | 'log'> {
  readonly config: KubeProxyConfig
  readonly command: RunCommand
  readonly services: Informer<Service>
  readonly slices: Informer<EndpointSlice>
  readonly nodes: Informer<Node>
  readonly policies: Informer<NetworkPolicy>
  readonly peers: PolicySyncParts['peers']
  readonly observer: (family: IpFamily) => SyncObserver
}

/** Builds it; nothing runs. @param clusterCidr of all Pods, of the family */
export function familyProxy(clusterCidr: string, parts: FamilyProxyParts): FamilyProxy {
  const { config, command, services, slices, nodes, policies, peers, observer, clock } = parts
  const { nodeName, overlay, overlayPort: port } = config
  const family = familyOf(clusterCidr)
  // What is logged of the only family needs no name.
  const log = config.clusterCidr.length > 1 ? parts.log.child({ family }) : parts.log
  const ruleset = { table: config.table, family, clusterCidr, serviceCidr: ofFamily(family, config.serviceClusterIpRange) ?? '' }
  const inside = [...config.clusterCidr, ...config.serviceClusterIpRange]
  const device = overlayDeviceOf(config.overlayDevice, family)
  const ownRange = () => {
    const node = nodes.cache.get(nodeName)
    return node && podRangeOf(node, family)
  }
  const routes = new RouteKeeper(new NodeRoutes({ run: command, clusterCidr, overlay, device, port, ownRange }), clock, log)
  return {
    ...{ family, ruleset, routes },
    sync: new Sync({
      ...{ services, slices, nodes, nodeName, family, clusterCidr, clock, log, routes },
      dataplane: new NftablesDataplane(ruleset, (args, input) => command(['nft', ...args], input)),
      forget: (ways) => forgetMisledFlows(ways, command, family),
      isOutside: (address) => rangeAround(address, inside) === undefined,
      nodeLocalAddresses: new Set(config.nodeLocalAddresses),
      nodePortAddresses: config.nodePortAddresses,
      observer: observer(family),
    }),
    policies: new PolicySync({
      plane: new PolicyPlane({ table: config.policyTable, family }, async (text) => void (await command(['nft', '-f', '-'], text))),
      ...{ policies, peers, nodes, nodeName, family, clock, log },
    }),
  }
}
