import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpClient } from '../../shared/client/http-client.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { ServedKinds } from '../metadata/served-kinds.ts'
import { metricReader } from './metric-reader.ts'

const { signal } = new AbortController()

/** A server with adapters for custom and external metrics. */
function reading(answers: Record<string, unknown>) {
  const clock = manualClock()
  const group = (name: string, version: string, resources: object[] = []) => ({ metadata: { name }, versions: [{ version, resources }] })
  const resource = (plural: string, kind: string, scope: string) => ({ resource: plural, responseKind: { kind }, scope, verbs: ['get'] })
  const groups = [
    group('networking.k8s.io', 'v1', [resource('ingresses', 'Ingress', 'Namespaced')]),
    group('custom.metrics.k8s.io', 'v1beta2', [resource('pods/packets', 'MetricValueList', 'Namespaced')]),
  ]
  const core = group('', 'v1', [resource('nodes', 'Node', 'Cluster'), resource('namespaces', 'Namespace', 'Cluster')])
  const transport = scriptedTransport(({ path }) => {
    const [bare = ''] = path.split('?')
    if (bare === '/api') return { body: { items: [core] } }
    if (bare === '/apis') return { body: { items: groups } }
    return bare in answers
      ? { body: answers[bare] }
      : { status: 404, body: { kind: 'Status', reason: 'NotFound', message: 'not there', code: 404 } }
  })
  const client = createHttpClient(transport, { clock, userAgent: 'test' })
  return { reader: metricReader(client, new ServedKinds(client, clock), signal), requests: transport.requests }
}
const value = (name: string, amount: string, more: object = {}) => ({
  ...{ describedObject: { kind: 'Pod', name }, metric: { name: 'm' }, timestamp: '2026-01-01T00:00:00Z', value: amount },
  ...more,
})

test('metrics of pods come from a custom metrics API, in thousandths, with the window they say', async () => {
  const { reader, requests } = reading({
    '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/packets': {
      items: [value('a', '1500m', { windowSeconds: 30 }), value('b', '2')],
    },
  })
  const metric = { name: 'packets', selector: { matchLabels: { verb: 'get' } } }
  const figures = await reader.pods(metric, { namespace: 'default', selector: 'app=web' })
  const at = Date.parse('2026-01-01T00:00:00Z')
  assert.deepEqual(
    [...figures],
    [
      ['a', { milli: 1_500, at, window: 30_000 }],
      ['b', { milli: 2_000, at, window: 60_000 }],
    ],
  )
  assert.match(decodeURIComponent(requests.at(-1)?.path ?? ''), /labelSelector=app=web&metricLabelSelector=verb=get$/)
})

test('an object is named by its resource and group, in its namespace, in none, or as a namespace itself', async () => {
  const root = '/apis/custom.metrics.k8s.io/v1beta2'
  const { reader } = reading({
    [`${root}/namespaces/default/ingresses.networking.k8s.io/main/hits`]: { items: [value('main', '2k')] },
    [`${root}/nodes/n1/hits`]: { items: [value('n1', '7')] },
    [`${root}/namespaces/shop/metrics/hits`]: { items: [value('shop', '500m')] },
  })
  const hits = (apiVersion: string, kind: string, name: string) => reader.object({ name: 'hits' }, { apiVersion, kind, name }, 'default')
  assert.deepEqual(
    [await hits('networking.k8s.io/v1', 'Ingress', 'main'), await hits('v1', 'Node', 'n1'), await hits('v1', 'Namespace', 'shop')],
    [2_000_000, 7_000, 500],
  )
  await assert.rejects(hits('v1', 'Widget', 'w'), /no matches for kind "Widget" in group ""/)
})

test('external metrics are added up, and what cannot be had says whose fault it is', async () => {
  const external = '/apis/external.metrics.k8s.io/v1beta1/namespaces/default'
  const { reader } = reading({
    [`${external}/queue`]: { items: [{ value: '10' }, { value: '2500m' }] },
    [`${external}/empty`]: { items: [] },
    [`${external}/odd`]: { items: [{ value: 'many' }] },
  })
  assert.equal(await reader.external({ name: 'queue' }, 'default'), 12_500)
  await assert.rejects(reader.external({ name: 'empty' }, 'default'), /^Error: no metrics returned from external metrics API$/)
  await assert.rejects(reader.external({ name: 'odd' }, 'default'), /"many" is no quantity/)
  await assert.rejects(reader.external({ name: 'none' }, 'default'), /unable to fetch metrics from external metrics API: not there/)
})

test('one container of each pod is read by its name; a pod without it is a mistake of the autoscaler', async () => {
  const pods = '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods'
  const of = (name: string, ...containers: [string, Record<string, string>][]) => ({
    ...{ metadata: { name, namespace: 'default' }, timestamp: '2026-01-01T00:00:00Z', window: '1m12.5s' },
    containers: containers.map(([container, usage]) => ({ name: container, usage })),
  })
  const { reader } = reading({ [pods]: { items: [of('a', ['app', { cpu: '250m' }], ['side', { cpu: '1' }]), of('b', ['app', {}])] } })
  const question = { namespace: 'default', selector: '' }
  assert.deepEqual(
    [...(await reader.resource('cpu', question))].map(([pod, { milli, window }]) => [pod, milli, window]),
    [['a', 1_250, 72_500]],
  )
  assert.deepEqual(
    [...(await reader.resource('cpu', question, 'app'))].map(([pod, { milli }]) => [pod, milli]),
    [['a', 250]],
  )
  await assert.rejects(reader.resource('cpu', question, 'other'), /container other not present in metrics for pod default\/a/)
})
