import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ConfigMap } from '../../shared/openapi/generated/core-v1.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment, pod } from '../harness/workloads.ts'

const collected = (context: TestContext) =>
  startSimulatedCluster(context, { controllers: ['garbage-collector', 'namespace', 'serviceaccount'], scheduler: false, nodes: 0 })

const ownedBy = (owner: ConfigMap, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: owner.metadata.name ?? '',
  uid: owner.metadata.uid ?? '',
  ...more,
})

function make(
  cluster: SimulatedCluster,
  name: string,
  owners: OwnerReference[] = [],
  more: { namespace?: string; finalizers?: string[] } = {},
) {
  const { namespace = 'default', ...metadata } = more
  return cluster.client.create('v1', 'ConfigMap', { metadata: { name, namespace, ownerReferences: owners, ...metadata } })
}

const names = async (cluster: SimulatedCluster, namespace = 'default') =>
  (await cluster.list('v1', 'ConfigMap', namespace)).map(({ metadata }) => metadata.name)
const remove = (cluster: SimulatedCluster, name: string, propagationPolicy: 'Background' | 'Foreground' | 'Orphan' = 'Background') =>
  cluster.client.delete('v1', 'ConfigMap', { namespace: 'default', name }, { propagationPolicy })

test('background: the owner goes at once, its dependents after it, and theirs after them', async (context) => {
  const cluster = await collected(context)
  const owner = await make(cluster, 'owner')
  const child = await make(cluster, 'child', [ownedBy(owner)])
  await make(cluster, 'grandchild', [ownedBy(child)])
  await make(cluster, 'stranger')
  await remove(cluster, 'owner')
  assert.ok(!(await names(cluster)).includes('owner'))
  await cluster.until('collected', async () => (await names(cluster)).join() === 'stranger')
})

test('foreground: the owner stays until those that block it are gone, and no longer', async (context) => {
  const cluster = await collected(context)
  const owner = await make(cluster, 'owner')
  await make(cluster, 'blocks', [ownedBy(owner, { blockOwnerDeletion: true })], { finalizers: ['example.com/slow'] })
  await make(cluster, 'free', [ownedBy(owner)], { finalizers: ['example.com/slow'] })
  await remove(cluster, 'owner', 'Foreground')
  await cluster.clock.advance(5_000)
  const waiting = await cluster.get('v1', 'ConfigMap', 'owner')
  assert.deepEqual(waiting.metadata.finalizers, ['foregroundDeletion'])
  const release = { type: 'merge' as const, body: { metadata: { finalizers: null } } }
  await cluster.client.patch('v1', 'ConfigMap', { namespace: 'default', name: 'blocks' }, release)
  await cluster.until('the owner is gone', async () => (await names(cluster)).join() === 'free', 5_000)
})

test('orphan: dependents lose the reference and nothing else', async (context) => {
  const cluster = await collected(context)
  const [owner, other] = [await make(cluster, 'owner'), await make(cluster, 'other')]
  await make(cluster, 'child', [ownedBy(owner), ownedBy(other)])
  await remove(cluster, 'owner', 'Orphan')
  await cluster.until('the owner is gone', async () => !(await names(cluster)).includes('owner'))
  const child = await cluster.get('v1', 'ConfigMap', 'child')
  assert.deepEqual(
    child.metadata.ownerReferences?.map(({ name }) => name),
    ['other'],
  )
})

test('one of two owners is gone: the object stays, without the reference', async (context) => {
  const cluster = await collected(context)
  const [one, two] = [await make(cluster, 'one'), await make(cluster, 'two')]
  await make(cluster, 'child', [ownedBy(one), ownedBy(two)])
  await remove(cluster, 'one')
  await cluster.until(
    'the reference is gone',
    async () => (await cluster.get('v1', 'ConfigMap', 'child')).metadata.ownerReferences?.length === 1,
  )
  await remove(cluster, 'two')
  await cluster.until('nobody owns it', async () => (await names(cluster)).length === 0)
})

test('owners that never were, were replaced, or are elsewhere are no owners', async (context) => {
  const cluster = await collected(context)
  await cluster.client.create('v1', 'Namespace', { metadata: { name: 'elsewhere' } })
  const here = await make(cluster, 'here')
  const replaced = { ...ownedBy(here), uid: '00000000-0000-4000-8000-000000000000' }
  await make(cluster, 'of-another-life', [replaced])
  await make(cluster, 'of-nobody', [{ ...replaced, name: 'nobody' }])
  await make(cluster, 'across', [ownedBy(here)], { namespace: 'elsewhere' })
  await make(cluster, 'well', [ownedBy(here)])
  await cluster.until('collected', async () => (await names(cluster)).length === 2 && (await names(cluster, 'elsewhere')).length === 0)
  assert.deepEqual(await names(cluster), ['here', 'well'])
})

test('a cluster-wide object that names an owner in a namespace is left alone', async (context) => {
  const cluster = await collected(context)
  const here = await make(cluster, 'here')
  await cluster.client.create('scheduling.k8s.io/v1', 'PriorityClass', {
    metadata: { name: 'odd', ownerReferences: [ownedBy(here)] },
    value: 7,
  })
  await cluster.clock.advance(2_000)
  await remove(cluster, 'here')
  await cluster.clock.advance(60_000)
  assert.equal((await cluster.client.get('scheduling.k8s.io/v1', 'PriorityClass', { name: 'odd' })).value, 7)
})

test('a circle of owners waits for nobody', async (context) => {
  const cluster = await collected(context)
  const first = await make(cluster, 'first')
  const second = await make(cluster, 'second', [ownedBy(first, { blockOwnerDeletion: true })])
  const body = { metadata: { ownerReferences: [ownedBy(second, { blockOwnerDeletion: true })] } }
  await cluster.client.patch('v1', 'ConfigMap', { namespace: 'default', name: 'first' }, { type: 'merge', body })
  await cluster.clock.advance(1_000)
  assert.deepEqual(await names(cluster), ['first', 'second'], 'they keep each other')
  await remove(cluster, 'first', 'Foreground')
  await cluster.until('both are gone', async () => (await names(cluster)).length === 0, 30_000)
})

test('a namespace is emptied, pods first, and says what it waits for', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1, machine: { script: () => ({ stopMilliseconds: 3_000 }) } })
  const { client } = cluster
  await client.create('v1', 'Namespace', { metadata: { name: 'doomed' } })
  await cluster.until('its account', async () => (await cluster.list('v1', 'ServiceAccount', 'doomed')).length === 1)
  const draft = deployment('web', 2)
  await client.create('apps/v1', 'Deployment', { ...draft, metadata: { name: 'web', namespace: 'doomed' } })
  await make(cluster, 'held', [], { namespace: 'doomed', finalizers: ['example.com/a', 'example.com/b'] })
  await cluster.until(
    'runs',
    async () => (await cluster.list('v1', 'Pod', 'doomed')).filter(({ status }) => status.phase === 'Running').length === 2,
  )
  await client.delete('v1', 'Namespace', { name: 'doomed' })
  await cluster.clock.advance(1_000)
  const left = await cluster.list('apps/v1', 'Deployment', 'doomed')
  assert.equal(left.length, 1, 'nothing goes before the pods have stopped')
  assert.equal((await cluster.list('v1', 'Pod', 'doomed')).filter((each) => each.metadata.deletionTimestamp).length, 2)
  const refused = client.create('v1', 'ConfigMap', { metadata: { name: 'late', namespace: 'doomed' } })
  await assert.rejects(refused, /because it is being terminated/)

  await cluster.until('only the held one is left', async () => (await cluster.list('apps/v1', 'ReplicaSet', 'doomed')).length === 0)
  await cluster.clock.advance(2_000)
  const { status } = await cluster.get('v1', 'Namespace', 'doomed')
  assert.equal(status.phase, 'Terminating')
  const told = Object.fromEntries((status.conditions ?? []).map(({ type, status: value, message }) => [type, `${value} ${message}`]))
  assert.equal(told['NamespaceContentRemaining'], 'True Some resources are remaining: configmaps. has 1 resource instances')
  assert.equal(
    told['NamespaceFinalizersRemaining'],
    'True Some content in the namespace has finalizers remaining: example.com/a in 1 resource instances, example.com/b in 1 resource instances',
  )
  assert.match(told['NamespaceDeletionContentFailure'] ?? '', /^False /)
  const release = { type: 'merge' as const, body: { metadata: { finalizers: null } } }
  await client.patch('v1', 'ConfigMap', { namespace: 'doomed', name: 'held' }, release)
  await cluster.until('the namespace is gone', async () => !(await cluster.find('v1', 'Namespace', 'doomed')), 5_000)
  assert.deepEqual(await cluster.list('v1', 'Event', 'doomed'), [])
})

test('an empty namespace goes within a moment, and a new one of its name is a new one', async (context) => {
  const cluster = await collected(context)
  const { client } = cluster
  const first = await client.create('v1', 'Namespace', { metadata: { name: 'brief' } })
  await client.delete('v1', 'Namespace', { name: 'brief' })
  await cluster.until('gone', async () => !(await cluster.find('v1', 'Namespace', 'brief')), 2_000)
  const second = await client.create('v1', 'Namespace', { metadata: { name: 'brief' } })
  await cluster.until('with an account', async () => (await cluster.list('v1', 'ServiceAccount', 'brief')).length === 1)
  assert.notEqual(first.metadata.uid, second.metadata.uid)
})

test('pods that nobody else would remove are swept: of vanished nodes, and finished ones beyond the threshold', async (context) => {
  const cluster = await startSimulatedCluster(context, {
    controllers: ['pod-garbage-collector', 'serviceaccount'],
    controllerSettings: { terminatedPodGcThreshold: 2 },
    nodes: 1,
  })
  const { client, clock } = cluster
  await cluster.clock.settle()
  for (const name of ['old-1', 'old-2', 'old-3', 'old-4']) {
    await client.create('v1', 'Pod', pod(name, { nodeName: 'node-1' }))
    await clock.advance(1_100)
    const body = { status: { phase: 'Succeeded' } }
    await client.patch('v1', 'Pod', { namespace: 'default', name }, { type: 'merge', subresource: 'status', body })
  }
  await client.create('v1', 'Pod', pod('lost', { nodeName: 'vanished' }))
  const left = async () => (await cluster.pods()).map(({ metadata }) => metadata.name).sort()
  await cluster.until('the oldest go', async () => (await left()).join() === 'lost,old-3,old-4')
  await cluster.until('and the one without a node', async () => (await left()).join() === 'old-3,old-4', 90_000)
})
