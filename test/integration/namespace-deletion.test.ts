import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../../simulation/cluster.ts'
import { simulateKubelet } from '../harness/simulated-kubelet.ts'
import { deployment, service } from '../harness/workloads.ts'

test('a deleted namespace is emptied of everything, pods with their grace, and then goes', async (t) => {
  const cluster = await startCluster({ controllers: ['*'], scheduler: true })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  await clock.advance(100)
  const kubelet = await simulateKubelet(client, 'node-1', cluster.tools, { gracefulFor: 5_000 })
  t.after(async () => kubelet.kill())
  await client.create('v1', 'Namespace', { metadata: { name: 'shop' } })
  await clock.advance(1_000)
  const draft = deployment('web', 3)
  await client.create('apps/v1', 'Deployment', { ...draft, metadata: { name: 'web', namespace: 'shop' } })
  await client.create('v1', 'Service', { ...service('web'), metadata: { name: 'web', namespace: 'shop' } })
  await client.create('v1', 'ConfigMap', { metadata: { name: 'settings', namespace: 'shop' }, data: { a: 'b' } })
  await clock.advance(5_000)
  assert.equal((await client.list('v1', 'Pod', { namespace: 'shop' })).items.length, 3)
  assert.deepEqual((await client.list('v1', 'ConfigMap', { namespace: 'shop' })).items.map((each) => each.metadata.name).sort(), [
    'kube-root-ca.crt',
    'settings',
  ])

  await client.delete('v1', 'Namespace', { name: 'shop' })
  await clock.advance(1_000)
  const going = await client.get('v1', 'Namespace', { name: 'shop' })
  assert.equal(going.status.phase, 'Terminating')
  await assert.rejects(client.create('v1', 'ConfigMap', { metadata: { name: 'late', namespace: 'shop' } }), /being terminated/)
  const remaining = going.status.conditions?.find(({ type }) => type === 'NamespaceContentRemaining')
  assert.equal(remaining?.status, 'True')
  assert.match(remaining?.message ?? '', /pods\. has 3 resource instances/)
  await clock.advance(30_000)
  await assert.rejects(client.get('v1', 'Namespace', { name: 'shop' }), /not found/)
  for (const [v, k] of [
    ['apps/v1', 'Deployment'],
    ['apps/v1', 'ReplicaSet'],
    ['v1', 'Pod'],
    ['v1', 'Service'],
    ['v1', 'ConfigMap'],
    ['v1', 'ServiceAccount'],
    ['discovery.k8s.io/v1', 'EndpointSlice'],
    ['v1', 'Endpoints'],
  ] as const) {
    assert.deepEqual((await client.list(v, k as never, { namespace: 'shop' })).items, [], `${k} is left`)
  }
})

test('an object whose finalizer nobody removes keeps the namespace, and the namespace says which', async (t) => {
  const cluster = await startCluster({ controllers: ['namespace', 'serviceaccount', 'root-ca-cert-publisher'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  await client.create('v1', 'Namespace', { metadata: { name: 'shop' } })
  await client.create('v1', 'ConfigMap', { metadata: { name: 'kept', namespace: 'shop', finalizers: ['example.com/hold'] } })
  await clock.advance(1_000)
  await client.delete('v1', 'Namespace', { name: 'shop' })
  await clock.advance(20_000)
  const { status } = await client.get('v1', 'Namespace', { name: 'shop' })
  const message = (type: string) => status.conditions?.find((each) => each.type === type)?.message ?? ''
  assert.match(message('NamespaceFinalizersRemaining'), /example\.com\/hold in 1 resource instances/)
  await client.patch('v1', 'ConfigMap', { namespace: 'shop', name: 'kept' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await clock.advance(60_000)
  await assert.rejects(client.get('v1', 'Namespace', { name: 'shop' }), /not found/)
})

test('every namespace gets its account and the CA, again and again', async (t) => {
  const cluster = await startCluster({ controllers: ['serviceaccount', 'root-ca-cert-publisher'] })
  t.after(() => cluster.stop())
  const { client, clock } = cluster
  await clock.advance(1_000)
  for (const namespace of ['default', 'kube-system']) {
    const account = { namespace, name: 'default' }
    const ca = { namespace, name: 'kube-root-ca.crt' }
    const first = await client.get('v1', 'ServiceAccount', account)
    await client.delete('v1', 'ServiceAccount', account)
    await client.patch('v1', 'ConfigMap', ca, { type: 'merge', body: { data: { 'ca.crt': 'forged' } } })
    await clock.advance(1_000)
    assert.notEqual((await client.get('v1', 'ServiceAccount', account)).metadata.uid, first.metadata.uid)
    assert.match((await client.get('v1', 'ConfigMap', ca)).data?.['ca.crt'] ?? '', /^-----BEGIN CERTIFICATE-----/)
  }
})
