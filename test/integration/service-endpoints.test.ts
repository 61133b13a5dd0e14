import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'
import { finishDeletion, joinNode, report } from '../harness/node-reports.ts'
import { pod, service } from '../harness/workloads.ts'

type Ending = { after(action: () => Promise<void>): void }

async function clusterWithPods(t: Ending, names: string[]): Promise<InProcessCluster> {
  const cluster = await startCluster({ controllers: ['endpointslice', 'endpoints', 'serviceaccount', 'node-lifecycle'] })
  t.after(() => cluster.stop())
  await cluster.clock.advance(100)
  await joinNode(cluster.client, 'node-1', cluster.clock)
  for (const [index, name] of names.entries()) {
    await cluster.client.create('v1', 'Pod', {
      ...pod(name, { nodeName: 'node-1' }),
      metadata: { name, namespace: 'default', labels: { app: 'web' } },
    })
    await report(cluster.client, { namespace: 'default', name }, cluster.clock, { ready: false, podIP: `10.244.0.${index + 2}` })
  }
  return cluster
}

const slices = async ({ client }: InProcessCluster): Promise<EndpointSlice[]> =>
  (await client.list('discovery.k8s.io/v1', 'EndpointSlice', { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' }))
    .items
const conditions = async (cluster: InProcessCluster) =>
  Object.fromEntries(
    (await slices(cluster)).flatMap((slice) => slice.endpoints ?? []).map((each) => [each.targetRef?.name, { ...each.conditions }]),
  )
const legacy = async ({ client }: InProcessCluster) => {
  const { subsets } = await client.get('v1', 'Endpoints', { namespace: 'default', name: 'web' })
  return (subsets ?? []).map((subset) => ({
    ready: subset.addresses?.map(({ ip }) => ip),
    not: subset.notReadyAddresses?.map(({ ip }) => ip),
    ports: subset.ports?.map((port) => `${port.name ?? ''}:${port.port}/${port.protocol}`),
  }))
}

test('endpoints follow readiness, in slices and for old clients', async (t) => {
  const cluster = await clusterWithPods(t, ['a', 'b'])
  await cluster.client.create('v1', 'Service', service('web', 80))
  await report(cluster.client, { namespace: 'default', name: 'a' }, cluster.clock, { ready: true })
  await cluster.clock.advance(1_000)
  assert.deepEqual(await conditions(cluster), {
    a: { ready: true, serving: true, terminating: false },
    b: { ready: false, serving: false, terminating: false },
  })
  const [slice] = await slices(cluster)
  assert.equal(slice?.addressType, 'IPv4')
  assert.deepEqual(slice?.ports, [{ name: '', port: 80, protocol: 'TCP' }])
  assert.equal(slice?.endpoints?.[0]?.nodeName, 'node-1')
  assert.equal(slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'], 'endpointslice-controller.k8s.io')
  assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Service')
  assert.deepEqual(await legacy(cluster), [{ ready: ['10.244.0.2'], not: ['10.244.0.3'], ports: [':80/TCP'] }])
  await report(cluster.client, { namespace: 'default', name: 'a' }, cluster.clock, { ready: false })
  await report(cluster.client, { namespace: 'default', name: 'b' }, cluster.clock, { ready: true })
  await cluster.clock.advance(1_000)
  assert.deepEqual([(await conditions(cluster))['a']?.ready, (await conditions(cluster))['b']?.ready], [false, true])
})

test('a pod that ends is no longer ready but still serves, until it is gone', async (t) => {
  const cluster = await clusterWithPods(t, ['a', 'b'])
  for (const name of ['a', 'b']) await report(cluster.client, { namespace: 'default', name }, cluster.clock, { ready: true })
  await cluster.client.create('v1', 'Service', service('web'))
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: 'a' })
  await cluster.clock.advance(1_000)
  assert.deepEqual((await conditions(cluster))['a'], { ready: false, serving: true, terminating: true })
  assert.deepEqual((await legacy(cluster))[0]?.ready, ['10.244.0.3'])
  await finishDeletion(cluster.client, { namespace: 'default', name: 'a' })
  await cluster.clock.advance(1_000)
  assert.deepEqual(Object.keys(await conditions(cluster)), ['b'])
})

test('named ports are looked up in each pod', async (t) => {
  const cluster = await clusterWithPods(t, [])
  for (const [name, containerPort] of [
    ['a', 8080],
    ['b', 9090],
  ] as const) {
    const containers = [{ name: 'main', image: 'nginx', ports: [{ name: 'web', containerPort }] }]
    await cluster.client.create('v1', 'Pod', {
      metadata: { name, namespace: 'default', labels: { app: 'web' } },
      spec: { nodeName: 'node-1', containers },
    })
    await report(cluster.client, { namespace: 'default', name }, cluster.clock, { ready: true, podIP: `10.244.0.${containerPort / 1010}` })
  }
  const spec = { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] }
  await cluster.client.create('v1', 'Service', { metadata: { name: 'web', namespace: 'default' }, spec })
  await cluster.clock.advance(1_000)
  const found = (await slices(cluster)).map((slice) => [
    slice.ports?.[0]?.name,
    slice.ports?.[0]?.port,
    slice.endpoints?.map((each) => each.targetRef?.name),
  ])
  assert.deepEqual(found.sort(), [
    ['http', 8080, ['a']],
    ['http', 9090, ['b']],
  ])
})

test('publishNotReadyAddresses says ready of those that are not; headless slices carry host names', async (t) => {
  const cluster = await clusterWithPods(t, [])
  const spec = { nodeName: 'node-1', hostname: 'first', subdomain: 'web', containers: [{ name: 'main', image: 'nginx' }] }
  await cluster.client.create('v1', 'Pod', { metadata: { name: 'a', namespace: 'default', labels: { app: 'web' } }, spec })
  await report(cluster.client, { namespace: 'default', name: 'a' }, cluster.clock, { ready: false, podIP: '10.244.0.9' })
  const headless = { selector: { app: 'web' }, clusterIP: 'None', publishNotReadyAddresses: true, ports: [{ port: 80 }] }
  await cluster.client.create('v1', 'Service', { metadata: { name: 'web', namespace: 'default' }, spec: headless })
  await cluster.clock.advance(1_000)
  assert.equal((await conditions(cluster))['a']?.ready, true)
  const [slice] = await slices(cluster)
  assert.equal(slice?.endpoints?.[0]?.hostname, 'first')
  assert.ok('service.kubernetes.io/headless' in (slice?.metadata.labels ?? {}))
})

test('a Service that selects others, and 250 pods, keep slices within 100 endpoints', async (t) => {
  const cluster = await clusterWithPods(
    t,
    Array.from({ length: 250 }, (_, index) => `p${index}`),
  )
  await cluster.client.create('v1', 'Service', service('web'))
  await cluster.clock.advance(2_000)
  const sizes = (await slices(cluster)).map((slice) => slice.endpoints?.length ?? 0)
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    250,
  )
  assert.ok(Math.max(...sizes) <= 100, `sizes ${sizes}`)
  await cluster.client.patch(
    'v1',
    'Service',
    { namespace: 'default', name: 'web' },
    { type: 'merge', body: { spec: { selector: { app: 'none' } } } },
  )
  await cluster.clock.advance(2_000)
  assert.equal((await slices(cluster)).flatMap((slice) => slice.endpoints ?? []).length, 0)
})

test('a deleted Service leaves nothing behind', async (t) => {
  const cluster = await startCluster({ controllers: ['endpointslice', 'endpoints', 'garbage-collector'] })
  t.after(() => cluster.stop())
  await cluster.client.create('v1', 'Service', service('web'))
  await cluster.clock.advance(2_000)
  assert.equal((await slices(cluster)).length, 1)
  await cluster.client.delete('v1', 'Service', { namespace: 'default', name: 'web' })
  await cluster.clock.advance(5_000)
  assert.equal((await slices(cluster)).length, 0)
  await assert.rejects(cluster.client.get('v1', 'Endpoints', { namespace: 'default', name: 'web' }), /not found/)
})

test('with a Service its Endpoints go, whoever made them; those that nobody’s deletion met stay', async (t) => {
  const cluster = await startCluster({ controllers: ['endpoints', 'endpointslice', 'endpointslicemirroring'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  const make = (name: string, annotations = {}) =>
    client.create('v1', 'Endpoints', {
      metadata: { namespace: 'default', name, annotations },
      subsets: [{ addresses: [{ ip: '198.51.100.7' }], ports: [{ port: 80 }] }],
    })
  const names = async () => {
    await clock.advance(3_000)
    return (await client.list('v1', 'Endpoints', { namespace: 'default' })).items.map(({ metadata }) => metadata.name).sort()
  }
  for (const name of ['db', 'early']) await make(name)
  await client.create('v1', 'Service', { metadata: { namespace: 'default', name: 'db' }, spec: { ports: [{ port: 80 }] } })
  assert.deepEqual(
    (await names()).filter((name) => name !== 'kubernetes'),
    ['db', 'early'],
    'they may be there before their Service',
  )
  await client.delete('v1', 'Service', { namespace: 'default', name: 'db' })
  assert.deepEqual(
    (await names()).filter((name) => name !== 'kubernetes'),
    ['early'],
  )
})

test('Endpoints whose Service was deleted while no controller ran go at its start, but for those of leaders', async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  for (const [name, annotations] of [
    ['left', {}],
    ['leader', { 'control-plane.alpha.kubernetes.io/leader': '{}' }],
    ['served', {}],
  ] as const) {
    await client.create('v1', 'Endpoints', { metadata: { namespace: 'default', name, annotations }, subsets: [] })
  }
  await client.create('v1', 'Service', { metadata: { namespace: 'default', name: 'served' }, spec: { ports: [{ port: 80 }] } })
  const settings = { ...cluster.controllerSettings, controllers: ['endpoints'] }
  await cluster.add(await createControllerManager(settings, cluster.tools))
  await clock.advance(3_000)
  const { items } = await client.list('v1', 'Endpoints', { namespace: 'default' })
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name).filter((name) => name !== 'kubernetes'),
    ['leader', 'served'],
  )
})
