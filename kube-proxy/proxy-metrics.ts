import type { IpFamily } from '../shared/addresses/ip-families.ts'
import type { Counter, Histogram, Metrics } from '../shared/metrics/metrics.ts'
import type { HealthAnswer } from '../shared/process/health-server.ts'
import type { VirtualServer } from './virtual-server.ts'

/** Upstream's buckets: a millisecond, doubled fourteen times. */
const SYNC_BOUNDS = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index)

/** What of it is told as it happens. */
export interface ProxyMetrics {
  /** A Service or its endpoints changed. */
  changed(what: 'service' | 'endpoint', now: number): void
  /** All Services, or those that changed, became rules; durations in seconds, `now` in milliseconds since 1970. */
  applied(how: 'full' | 'partial', seconds: number, now: number): void
  failed(): void
  /** Flows were compared with where they would be led now. */
  flowsCompared(seconds: number, deleted: number, family: IpFamily): void
  /** Counts an answer of a health path, and passes it on. */
  answered(path: 'healthz' | 'livez', answer: HealthAnswer): HealthAnswer
}

/** Names and meanings are upstream's (`kubeproxy_…`), where it has the same thing. */
export function proxyMetrics(metrics: Metrics, applied: () => Iterable<readonly VirtualServer[]>): ProxyMetrics {
  const prefix = 'kubeproxy_sync_proxy_rules'
  const kinds = ['service', 'endpoint'] as const
  const totals = new Map(kinds.map((kind) => [kind, metrics.counter(`${prefix}_${kind}_changes_total`, `Changes of ${kind}s seen`)]))
  const pending = new Map(kinds.map((kind) => [kind, 0]))
  for (const kind of kinds) {
    metrics.gaugeFrom(`${prefix}_${kind}_changes_pending`, `Changes of ${kind}s that are no rules yet`, () => pending.get(kind) ?? 0)
  }
  const all = metrics.histogram(`${prefix}_duration_seconds`, 'How long rules took', SYNC_BOUNDS)
  const parts: Record<'full' | 'partial', Histogram> = {
    full: metrics.histogram('kubeproxy_sync_full_proxy_rules_duration_seconds', 'How long the rules of all Services took', SYNC_BOUNDS),
    partial: metrics.histogram(
      'kubeproxy_sync_partial_proxy_rules_duration_seconds',
      'How long the rules of some Services took',
      SYNC_BOUNDS,
    ),
  }
  const last = metrics.gauge(`${prefix}_last_timestamp_seconds`, 'When rules were last applied')
  const queued = metrics.gauge(`${prefix}_last_queued_timestamp_seconds`, 'When something last changed')
  const failures = metrics.counter(`${prefix}_nftables_sync_failures_total`, 'Rules that could not be applied')
  failures.add(0)
  const compared = metrics.histogram(
    'kubeproxy_conntrack_reconciler_sync_duration_seconds',
    'How long the comparison of flows took',
    SYNC_BOUNDS,
  )
  const deleted = metrics.counter(
    'kubeproxy_conntrack_reconciler_deleted_entries_total',
    'Flows that were led elsewhere, and are forgotten',
  )
  metrics.gaugeFrom(
    `${prefix}_no_local_endpoints_total`,
    'Service ports with endpoints, of which policy Local leaves none on this node',
    () => withoutLocal(applied()),
  )
  const answers: Record<'healthz' | 'livez', Counter> = {
    healthz: metrics.counter('kubeproxy_proxy_healthz_total', 'Answers of /healthz by code'),
    livez: metrics.counter('kubeproxy_proxy_livez_total', 'Answers of /livez by code'),
  }
  return {
    changed(what, now) {
      totals.get(what)?.add()
      pending.set(what, (pending.get(what) ?? 0) + 1)
      queued.set(now / 1_000)
    },
    applied(how, seconds, now) {
      for (const kind of kinds) pending.set(kind, 0)
      all.observe(seconds)
      parts[how].observe(seconds)
      last.set(now / 1_000)
    },
    failed: () => failures.add(),
    flowsCompared(seconds, count, family) {
      compared.observe(seconds)
      deleted.add(count, { ip_family: family })
    },
    answered(path, answer) {
      answers[path].add(1, { code: `${answer.code}` })
      return answer
    },
  }
}

function withoutLocal(services: Iterable<readonly VirtualServer[]>): [{ traffic_policy: string }, number][] {
  const counts = { internal: 0, external: 0 }
  for (const servers of services) {
    for (const { clusterBackends, backends, externalBackends, keepsClientAddress } of servers) {
      if (clusterBackends.length === 0) continue
      if (backends.length === 0) counts.internal += 1
      if (keepsClientAddress && externalBackends.length === 0) counts.external += 1
    }
  }
  return Object.entries(counts).map(([traffic_policy, count]) => [{ traffic_policy }, count])
}
