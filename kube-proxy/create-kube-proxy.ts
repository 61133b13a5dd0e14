import { IpRange } from '../shared/addresses/ip-range.ts'
import { createComponent } from '../shared/process/component.ts'
import { ConfigError } from '../shared/process/config.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import { announcementsOf } from './announcements/announcements.ts'
import { machineCommands } from './command.ts'
import type { KubeProxyConfig } from './config.ts'
import { forgetMisledFlows } from './conntrack.ts'
import { NftablesDataplane } from './dataplane/nftables.ts'
import type { RunNft } from './dataplane/run-nft.ts'
import { syncObserver } from './health/observe.ts'
import { ProxyHealth } from './health/proxy-health.ts'
import { ServiceHealth } from './health/service-health.ts'
import { cleanUp } from './machine/cleanup.ts'
import { inspectMachine } from './machine/inspect.ts'
import { followPeers } from './policies/policy-peers.ts'
import { PolicyPlane } from './policies/policy-plane.ts'
import { PolicySync } from './policies/policy-sync.ts'
import { type ProxyMetrics, proxyMetrics } from './proxy-metrics.ts'
import { NodeRoutes } from './routes/node-routes.ts'
import { RouteKeeper } from './routes/route-keeper.ts'
import { healthPort } from './service-table.ts'
import { Sync, serviceOfSlice } from './sync.ts'

/** Builds the proxy of one node; nothing runs, and no rule is touched, before `start`. Rules stay when it stops: traffic must not. */
export function createKubeProxy(config: KubeProxyConfig, tools: ProcessTools): Service {
  const command = machineCommands()
  if (config.cleanup) return cleaner(() => cleanUp(command, config))
  if (config.nodeName === '') throw new ConfigError('--node-name must be given: the node this proxy works for')
  return createComponent('kube-proxy', config, tools, ({ client, informers, events, metrics: registry, clock, random, log }) => {
    const { nodeName, clusterCidr } = config
    const ruleset = { table: config.table, clusterCidr, serviceCidr: config.serviceClusterIpRange }
    const inside = [clusterCidr, config.serviceClusterIpRange].map((range) => IpRange.parse(range))
    const nft: RunNft = (args, input) => command(['nft', ...args], input)
    const services = informers.of('v1', 'Service')
    const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOfSlice })
    const nodes = informers.of('v1', 'Node')
    const ways = new NodeRoutes({
      ...{ run: command, clusterCidr, overlay: config.overlay, device: config.overlayDevice, port: config.overlayPort },
      ownRange: () => nodes.cache.get(nodeName)?.spec.podCIDR,
    })
    const routes = new RouteKeeper(ways, clock, log)
    const health = new ProxyHealth(clock)
    const serviceHealth = new ServiceHealth({
      host: '0.0.0.0',
      isHealthy: () => health.isHealthy,
      clock,
      onProblem(service, message) {
        const regarding = services.cache.get(service)
        if (regarding) events.record(regarding, 'Warning', 'FailedToStartServiceHealthcheck', `node ${nodeName}: ${message}`)
        log.warn('a Service has no health check', { service, message })
      },
    })
    const metrics: ProxyMetrics = proxyMetrics(registry, () => sync.forwarded)
    const healthPortOf = (service: string) => healthPort(services.cache.get(service), slices.cache.lookup('service', service), nodeName)
    const sync: Sync = new Sync({
      ...{ services, slices, nodes, nodeName, clusterCidr, clock, log, routes },
      dataplane: new NftablesDataplane(ruleset, nft),
      forget: (ways) => forgetMisledFlows(ways, command),
      isOutside: (address) => !inside.some((range) => range?.holds(address)),
      nodeLocalAddresses: new Set(config.nodeLocalAddresses),
      nodePortAddresses: config.nodePortAddresses,
      observer: syncObserver({ metrics, health, serviceHealth, healthPort: healthPortOf, clock }),
    })
    const policies = new PolicySync({
      policies: informers.of('networking.k8s.io/v1', 'NetworkPolicy'),
      peers: (signal) => followPeers({ client, informers, clock, random, log }, signal),
      plane: new PolicyPlane(config.policyTable, async (text) => void (await nft(['-f', '-'], text))),
      ...{ nodes, nodeName, clock, log },
    })
    const announcements = announcementsOf(config, { informers, clock, log }, command)
    return {
      ready: {
        rules: () => (sync.healthy ? undefined : 'the rules are not applied'),
        policies: () => (policies.healthy ? undefined : 'the network policies are not applied'),
        routes: () => routes.problem,
        announcements: () => announcements.problem,
      },
      answers: {
        '/healthz': () => metrics.answered('healthz', health.healthy(nodes.cache.get(nodeName))),
        '/livez': () => metrics.answered('livez', health.live()),
      },
      async run(signal) {
        await inspectMachine({ nft, ruleset, nodePortAddresses: config.nodePortAddresses, log })
        try {
          await Promise.all([sync.run(signal), policies.run(signal), announcements.run(signal), routes.run(signal)])
        } finally {
          serviceHealth.close()
        }
      },
    }
  })
}

/** Does one thing and ends. */
function cleaner(work: () => Promise<void>): Service {
  const ended = Promise.withResolvers<void>()
  return {
    ended: ended.promise,
    async start() {
      await work()
      ended.resolve()
    },
    async stop() {},
  }
}
