import { familiesOf, familiesProblem, familyOf } from '../shared/addresses/ip-families.ts'
import { createComponent } from '../shared/process/component.ts'
import { ConfigError } from '../shared/process/config.ts'
import type { ProcessTools, Service } from '../shared/process/run.ts'
import { announcementsOf } from './announcements/announcements.ts'
import { machineCommands } from './command.ts'
import type { KubeProxyConfig } from './config.ts'
import type { RunNft } from './dataplane/run-nft.ts'
import { type FamilyProxy, familyProxy } from './family-proxy.ts'
import { syncObserver } from './health/observe.ts'
import { ProxyHealth } from './health/proxy-health.ts'
import { ServiceHealth } from './health/service-health.ts'
import { cleanUp } from './machine/cleanup.ts'
import { forwardSix } from './machine/forwarding.ts'
import { inspectMachine } from './machine/inspect.ts'
import { followPeers } from './policies/policy-peers.ts'
import { type ProxyMetrics, proxyMetrics } from './proxy-metrics.ts'
import { healthPort } from './service-table.ts'
import { serviceOfSlice } from './sync.ts'

/** Builds the proxy of one node; nothing runs, and no rule is touched, before `start`. Rules stay when it stops: traffic must not. */
export function createKubeProxy(config: KubeProxyConfig, tools: ProcessTools): Service {
  const command = machineCommands()
  if (config.cleanup) return cleaner(() => cleanUp(command, config))
  const problem = familiesProblem(
    { flag: '--cluster-cidr', ranges: config.clusterCidr },
    { flag: '--service-cluster-ip-range', ranges: config.serviceClusterIpRange },
  )
  if (problem !== undefined) throw new ConfigError(problem)
  if (config.nodeName === '') throw new ConfigError('--node-name must be given: the node this proxy works for')
  return createComponent('kube-proxy', config, tools, ({ client, informers, events, metrics: registry, clock, random, log }) => {
    const { nodeName } = config
    const nft: RunNft = (args, input) => command(['nft', ...args], input)
    const services = informers.of('v1', 'Service')
    const slices = informers.of('discovery.k8s.io/v1', 'EndpointSlice', {}, { service: serviceOfSlice })
    const nodes = informers.of('v1', 'Node')
    const health = new ProxyHealth(clock, familiesOf(config.clusterCidr))
    const serviceHealth = new ServiceHealth({
      host: config.clusterCidr.some((range) => familyOf(range) === 'IPv6') ? '::' : '0.0.0.0',
      isHealthy: () => health.isHealthy,
      clock,
      onProblem(service, message) {
        const regarding = services.cache.get(service)
        if (regarding) events.record(regarding, 'Warning', 'FailedToStartServiceHealthcheck', `node ${nodeName}: ${message}`)
        log.warn('a Service has no health check', { service, message })
      },
    })
    const metrics: ProxyMetrics = proxyMetrics(registry, () => families.flatMap(({ sync }) => [...sync.forwarded]))
    const healthPortOf = (service: string) => healthPort(services.cache.get(service), slices.cache.lookup('service', service), nodeName)
    let peers: ReturnType<typeof followPeers> | undefined
    const families: readonly FamilyProxy[] = config.clusterCidr.map((range) =>
      familyProxy(range, {
        ...{ config, command, services, slices, nodes, clock, log },
        policies: informers.of('networking.k8s.io/v1', 'NetworkPolicy'),
        // Every node keeps all pods once, whatever their families.
        peers: (signal) => (peers ??= followPeers({ client, informers, clock, random, log }, signal)),
        observer: (family) => syncObserver({ metrics, health, serviceHealth, healthPort: healthPortOf, clock, family }),
      }),
    )
    const firstProblem = (ask: (each: FamilyProxy) => string | undefined) => families.map(ask).find((problem) => problem !== undefined)
    const announcements = announcementsOf(config, { informers, clock, log }, command)
    return {
      ready: {
        rules: () => firstProblem(({ sync }) => (sync.healthy ? undefined : 'the rules are not applied')),
        policies: () => firstProblem(({ policies }) => (policies.healthy ? undefined : 'the network policies are not applied')),
        routes: () => firstProblem(({ routes }) => routes.problem),
        announcements: () => announcements.problem,
      },
      answers: {
        '/healthz': () => metrics.answered('healthz', health.healthy(nodes.cache.get(nodeName))),
        '/livez': () => metrics.answered('livez', health.live()),
      },
      async run(signal) {
        await inspectMachine({ nft, rulesets: families.map(({ ruleset }) => ruleset), nodePortAddresses: config.nodePortAddresses, log })
        if (families.some(({ family }) => family === 'IPv6')) {
          await forwardSix(command).catch((error: unknown) => log.error('packets of IPv6 are not forwarded here', { error }))
        }
        try {
          const loops = families.flatMap(({ sync, policies, routes }) => [sync, policies, routes])
          await Promise.all([...loops, announcements].map((loop) => loop.run(signal)))
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
