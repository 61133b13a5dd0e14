import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { virtualServers } from '../../kube-proxy/service-table.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'

const db = { namespace: 'default', name: 'db' }
const ports = [{ name: 'sql', port: 5432 }]
const addresses = (...ips: string[]) => ips.map((ip) => ({ ip }))

async function trial(t: TestContext) {
  const cluster = await startCluster({ controllers: ['endpointslice', 'endpoints', 'endpointslicemirroring', 'garbage-collector'] })
  t.after(() => cluster.stop())
  await cluster.client.create('v1', 'Service', { metadata: db, spec: { ports: [{ name: 'sql', port: 5432 }] } })
  return cluster
}

async function slices({ client, clock }: InProcessCluster): Promise<EndpointSlice[]> {
  await clock.advance(3_000)
  const labelSelector = 'kubernetes.io/service-name=db'
  return (await client.list('discovery.k8s.io/v1', 'EndpointSlice', { namespace: 'default', labelSelector })).items
}

const merge = ({ client }: InProcessCluster, kind: 'Service' | 'Endpoints', body: object) =>
  client.patch('v1', kind, db, { type: 'merge', body })

test('a Service without a selector is forwarded to the addresses that somebody wrote for it', async (t) => {
  const cluster = await trial(t)
  const labels = { team: 'storage' }
  const annotations = { note: 'kept', 'kubectl.kubernetes.io/last-applied-configuration': '{}' }
  await cluster.client.create('v1', 'Endpoints', {
    metadata: { ...db, labels, annotations },
    subsets: [{ addresses: addresses('198.51.100.7', '2001:db8::7'), notReadyAddresses: addresses('198.51.100.8'), ports }],
  })
  const made = await slices(cluster)
  const [four, six] = [...made].sort((one, two) => (one.addressType < two.addressType ? -1 : 1))
  assert.ok(four && six && made.length === 2)
  assert.deepEqual(four.metadata.labels, {
    ...labels,
    'kubernetes.io/service-name': 'db',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  })
  assert.deepEqual(four.metadata.annotations, { note: 'kept' })
  assert.match(four.metadata.name ?? '', /^db-/)
  const [owner] = four.metadata.ownerReferences ?? []
  assert.deepEqual([owner?.kind, owner?.name, owner?.controller], ['Endpoints', 'db', true])
  assert.deepEqual(
    four.endpoints?.map((each) => [each.addresses[0], each.conditions.ready]),
    [
      ['198.51.100.7', true],
      ['198.51.100.8', false],
    ],
  )
  assert.deepEqual(six.endpoints?.[0]?.addresses, ['2001:db8::7'])
  const [server] = virtualServers(await cluster.client.get('v1', 'Service', db), made, { name: 'node-1', zone: undefined })
  assert.deepEqual(server?.backends, [{ address: '198.51.100.7', port: 5432 }])
})

test('the mirror follows its original, one write a change, and goes with it', async (t) => {
  const cluster = await trial(t)
  await cluster.client.create('v1', 'Endpoints', { metadata: db, subsets: [{ addresses: addresses('198.51.100.7'), ports }] })
  const [first] = await slices(cluster)
  await merge(cluster, 'Endpoints', { subsets: [{ addresses: addresses('198.51.100.9'), ports }] })
  const [second, ...others] = await slices(cluster)
  assert.deepEqual([second?.metadata.uid, others], [first?.metadata.uid, []], 'the same slice')
  assert.deepEqual(second?.endpoints?.[0]?.addresses, ['198.51.100.9'])
  assert.equal(second?.metadata.generation, 2)
  assert.deepEqual(await slices(cluster), [second], 'nothing is written while nothing changes')
  await merge(cluster, 'Endpoints', { subsets: [{ addresses: addresses('198.51.100.9'), ports: [{ name: 'sql', port: 5433 }] }] })
  assert.deepEqual(
    (await slices(cluster)).map((slice) => slice.ports?.[0]?.port),
    [5433],
  )
  await cluster.client.delete('v1', 'Endpoints', db)
  assert.deepEqual(await slices(cluster), [])
})

test('a slice that somebody spoils or removes is made right again', async (t) => {
  const cluster = await trial(t)
  await cluster.client.create('v1', 'Endpoints', { metadata: db, subsets: [{ addresses: addresses('198.51.100.7'), ports }] })
  const [slice] = await slices(cluster)
  assert.ok(slice)
  await cluster.client.update('discovery.k8s.io/v1', 'EndpointSlice', { ...slice, endpoints: [] })
  assert.deepEqual((await slices(cluster))[0]?.endpoints?.[0]?.addresses, ['198.51.100.7'])
  await cluster.client.delete('discovery.k8s.io/v1', 'EndpointSlice', { namespace: 'default', name: slice.metadata.name ?? '' })
  assert.equal((await slices(cluster)).length, 1)
})

test('what is not for a Service to use is not mirrored', async (t) => {
  const cluster = await trial(t)
  const subsets = [{ addresses: addresses('198.51.100.7'), ports }]
  await cluster.client.create('v1', 'Endpoints', { metadata: db, subsets })
  const is = async (count: number, why: string) => assert.equal((await slices(cluster)).length, count, why)
  await is(1, 'mirrored at first')
  await merge(cluster, 'Endpoints', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } })
  await is(0, 'the label says so')
  await merge(cluster, 'Endpoints', { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'false' } } })
  await is(1, 'the label is gone')
  await merge(cluster, 'Endpoints', { metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } } })
  await is(0, 'a lock of leaders')
  await merge(cluster, 'Endpoints', { metadata: { annotations: { 'control-plane.alpha.kubernetes.io/leader': null } } })
  await is(1, 'no lock any more')
  await merge(cluster, 'Service', { spec: { selector: { app: 'db' } } })
  const mirrors = (await slices(cluster)).filter(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'Endpoints')
  assert.deepEqual(mirrors, [], 'pods stand behind the Service now')
})

test('a Service that goes takes its mirror along; a thousand addresses are the most', async (t) => {
  const cluster = await trial(t)
  const many = Array.from({ length: 1_100 }, (_, index) => `198.18.${index >> 8}.${index & 255}`)
  await cluster.client.create('v1', 'Endpoints', { metadata: db, subsets: [{ addresses: addresses(...many), ports }] })
  assert.deepEqual(
    (await slices(cluster)).map((slice) => slice.endpoints?.length),
    [1_000],
  )
  const events = await cluster.client.list('v1', 'Event', { namespace: 'default' })
  assert.match(events.items.find(({ reason }) => reason === 'TooManyAddressesToMirror')?.message ?? '', /100 addresses were skipped/)
  await cluster.client.delete('v1', 'Service', db)
  assert.deepEqual(await slices(cluster), [])
})
