import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ProxyMetrics } from '../proxy-metrics.ts'
import type { SyncObserver } from '../sync.ts'
import type { ProxyHealth } from './proxy-health.ts'
import type { ServiceHealth, ServiceHealthPort } from './service-health.ts'

export interface ObserverParts {
  metrics: ProxyMetrics
  health: ProxyHealth
  serviceHealth: ServiceHealth
  /** What is served of a Service's health, as the caches have it. */
  healthPort: (service: string) => ServiceHealthPort | undefined
  clock: Clock
  /** Whose rules are told of; default IPv4. */
  family?: IpFamily
}

/** Tells metrics and health what the proxy does. */
export function syncObserver({ metrics, health, serviceHealth, healthPort, clock, family = 'IPv4' }: ObserverParts): SyncObserver {
  return {
    changed(what) {
      health.changed(family)
      metrics.changed(what, clock.now())
    },
    began: () => health.begin(family),
    applied(how, seconds, services) {
      health.applied(family)
      metrics.applied(how, seconds, clock.now())
      // Those that close come first: a port may be another Service's now.
      const wanted = services.map((service) => [service, healthPort(service)] as const)
      for (const [service, port] of wanted) if (!port) serviceHealth.set(service, undefined)
      for (const [service, port] of wanted) if (port) serviceHealth.set(service, port)
    },
    failed: () => metrics.failed(),
    compared: (seconds, forgotten) => metrics.flowsCompared(seconds, forgotten, family),
  }
}
