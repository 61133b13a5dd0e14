import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../shared/metrics/metrics.ts'
import { on, virtualServer } from '../test/harness/dataplane-lab.ts'
import { proxyMetrics } from './proxy-metrics.ts'

test('what the proxy does is counted under upstream’s names', () => {
  const registry = new Metrics()
  const some = on({ address: '10.244.1.1' })
  const forwarded = [
    [virtualServer(some), virtualServer()],
    [virtualServer({ ...some, backends: [] }), virtualServer({ ...some, keepsClientAddress: true, externalBackends: [] })],
  ]
  const metrics = proxyMetrics(registry, () => forwarded)
  const value = (line: string) =>
    registry
      .render()
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.slice(line.length + 1)
  metrics.changed('service', 1_000)
  metrics.changed('endpoint', 2_500)
  metrics.changed('endpoint', 3_500)
  assert.equal(value('kubeproxy_sync_proxy_rules_service_changes_pending'), '1')
  assert.equal(value('kubeproxy_sync_proxy_rules_endpoint_changes_pending'), '2')
  assert.equal(value('kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds'), '3.5')
  metrics.applied('full', 0.5, 4_000)
  metrics.applied('partial', 0.01, 5_000)
  metrics.failed()
  metrics.flowsCompared(0.02, 3, 'IPv4')
  metrics.answered('healthz', { code: 503, body: '' })
  const wanted = {
    kubeproxy_sync_proxy_rules_service_changes_pending: '0',
    kubeproxy_sync_proxy_rules_endpoint_changes_total: '2',
    kubeproxy_sync_proxy_rules_duration_seconds_count: '2',
    kubeproxy_sync_full_proxy_rules_duration_seconds_sum: '0.5',
    kubeproxy_sync_partial_proxy_rules_duration_seconds_count: '1',
    kubeproxy_sync_proxy_rules_last_timestamp_seconds: '5',
    kubeproxy_sync_proxy_rules_nftables_sync_failures_total: '1',
    'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"}': '3',
    'kubeproxy_proxy_healthz_total{code="503"}': '1',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="internal"}': '1',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external"}': '1',
  }
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((line) => [line, value(line)])), wanted)
})
