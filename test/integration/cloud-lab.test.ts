/** Load balancers where there is no cloud: addresses of a pool, announced by one node each. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ANNOUNCED_BY } from '../../shared/addresses/announced-by.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { addCloud, addressesOf, balanced } from '../harness/cloud.ts'
import { deployment } from '../harness/workloads.ts'

const SECOND = 1_000
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'

async function labCluster(context: TestContext, pool: string, nodes = 3): Promise<SimulatedCluster> {
  const cluster = await startSimulatedCluster(context, { nodes })
  await addCloud(cluster, [`--load-balancer-pool=${pool}`])
  return cluster
}

const holderOf = ({ metadata }: Service) => metadata.annotations?.[ANNOUNCED_BY]
const get = (cluster: SimulatedCluster, name: string) => cluster.get('v1', 'Service', name)
const announced = (cluster: SimulatedCluster, name: string) =>
  cluster.until(`${name} is announced`, async () => holderOf(await get(cluster, name)) !== undefined)

test('a Service gets an address, a finalizer and a node that announces it; its end frees the address for the next', async (context) => {
  const cluster = await labCluster(context, '192.0.2.10-192.0.2.11')
  const { client } = cluster
  for (const name of ['one', 'two', 'three']) {
    await client.create('v1', 'Service', balanced(name))
    await cluster.clock.advance(SECOND)
  }
  const [one, two, three] = [await get(cluster, 'one'), await get(cluster, 'two'), await get(cluster, 'three')]
  assert.deepEqual(one.status.loadBalancer, { ingress: [{ ip: '192.0.2.10', ipMode: 'VIP' }] })
  assert.deepEqual(addressesOf(two), ['192.0.2.11'])
  assert.deepEqual(addressesOf(three), [])
  assert.ok(one.metadata.finalizers?.includes(FINALIZER))
  assert.notEqual(holderOf(one), holderOf(two), 'addresses are spread')
  assert.equal(holderOf(three), undefined)
  assert.deepEqual(await cluster.eventMessages('EnsuredLoadBalancer'), ['Ensured load balancer', 'Ensured load balancer'])
  assert.deepEqual(await cluster.eventMessages('SyncLoadBalancerFailed'), [
    'Error syncing load balancer: failed to ensure load balancer: all addresses for load balancers (192.0.2.10-192.0.2.11) are in use; ' +
      'this one gets the next that becomes free',
  ])

  await client.delete('v1', 'Service', { namespace: 'default', name: 'one' })
  await cluster.until('three has it', async () => addressesOf(await get(cluster, 'three')).join() === '192.0.2.10', 2 * SECOND)
  assert.equal(await cluster.find('v1', 'Service', 'one'), undefined)
  assert.deepEqual(await cluster.eventMessages('DeletedLoadBalancer'), ['Deleted load balancer'])
})

test('a Service that is no LoadBalancer any more, or another’s from the beginning, has nothing of ours', async (context) => {
  const cluster = await labCluster(context, '192.0.2.10/31')
  const { client } = cluster
  await client.create('v1', 'Service', balanced('web'))
  await client.create('v1', 'Service', balanced('other', { loadBalancerClass: 'example.com/other' }))
  await announced(cluster, 'web')
  await client.patch('v1', 'Service', { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { type: 'ClusterIP' } } })
  await cluster.until('let go', async () => (await get(cluster, 'web')).metadata.finalizers === undefined)
  await cluster.clock.advance(SECOND)
  const web = await get(cluster, 'web')
  assert.deepEqual([web.status.loadBalancer, holderOf(web)], [{}, undefined])
  const other = await get(cluster, 'other')
  assert.deepEqual([other.status.loadBalancer, other.metadata.finalizers, holderOf(other)], [{}, undefined, undefined])
})

test('an address of the pool that is the cluster’s own is left out, with a word about it', async (context) => {
  // The API server of these tests is at 192.0.2.1.
  const cluster = await labCluster(context, '192.0.2.1-192.0.2.3')
  await cluster.client.create('v1', 'Service', balanced('web'))
  await announced(cluster, 'web')
  assert.deepEqual(addressesOf(await get(cluster, 'web')), ['192.0.2.2'])
  const [refusal = ''] = await cluster.eventMessages('SyncLoadBalancerFailed')
  assert.match(refusal, /status\.loadBalancer\.ingress\[0\]\.ip: .*192\.0\.2\.1.* belongs to the API server/)
})

test('an address may be asked for, and shared by those who ask for that', async (context) => {
  const cluster = await labCluster(context, '192.0.2.10-192.0.2.19')
  const { client } = cluster
  const shared = { 'coxswain.io/shared-address': 'mail' }
  for (const service of [
    balanced('asked', { loadBalancerIP: '192.0.2.15' }),
    balanced('late', { loadBalancerIP: '192.0.2.15' }),
    balanced('outside', { loadBalancerIP: '203.0.113.1' }),
    balanced('imap', { ports: [{ port: 143 }] }, shared),
    balanced('smtp', { ports: [{ port: 25 }] }, shared),
    balanced('smtp-too', { ports: [{ port: 25 }] }, shared),
  ]) {
    // Who asks first has it.
    await client.create('v1', 'Service', service)
    await cluster.clock.advance(SECOND)
  }
  const addresses = async (name: string) => addressesOf(await get(cluster, name)).join()
  assert.equal(await addresses('asked'), '192.0.2.15')
  assert.equal(await addresses('late'), '')
  assert.equal(await addresses('outside'), '')
  assert.equal(await addresses('imap'), await addresses('smtp'))
  assert.notEqual(await addresses('smtp-too'), await addresses('smtp'), 'one port leads to one Service')
  assert.equal(holderOf(await get(cluster, 'imap')), holderOf(await get(cluster, 'smtp')))
  const refusals = await cluster.eventMessages('SyncLoadBalancerFailed')
  assert.ok(refusals.some((message) => message.endsWith('spec.loadBalancerIP: 192.0.2.15 leads to the Service default/asked')))
  assert.ok(refusals.some((message) => message.includes('203.0.113.1 is not one of the addresses for load balancers')))
})

test('the node that announces falls silent: another does within the grace period, and nothing flaps when it is back', async (context) => {
  const cluster = await labCluster(context, '192.0.2.32/28')
  await cluster.client.create('v1', 'Service', balanced('web'))
  await announced(cluster, 'web')
  await cluster.clock.advance(30 * SECOND)
  const first = holderOf(await get(cluster, 'web'))!
  await cluster.machine(first).kill()
  const since = cluster.clock.now()
  await cluster.until('moved', async () => holderOf(await get(cluster, 'web')) !== first)
  const took = (cluster.clock.now() - since) / SECOND
  assert.ok(took > 14 && took <= 26.5, `25 s after its last sign of life, long before the node is Unknown: ${took} s`)
  const second = holderOf(await get(cluster, 'web'))
  await cluster.machine(first).revive()
  await cluster.watchFor(60 * SECOND, async () => assert.equal(holderOf(await get(cluster, 'web')), second), SECOND)
})

test('a deleted node announces no more; an outage of the API server moves nothing', async (context) => {
  const cluster = await labCluster(context, '192.0.2.32/28')
  for (const name of ['a', 'b', 'c']) await cluster.client.create('v1', 'Service', balanced(name))
  for (const name of ['a', 'b', 'c']) await announced(cluster, name)
  const holders = async () => Promise.all(['a', 'b', 'c'].map(async (name) => holderOf(await get(cluster, name))))
  const before = await holders()
  assert.equal(new Set(before).size, 3)
  cluster.cut(true)
  await cluster.clock.advance(120 * SECOND)
  cluster.cut(false)
  await cluster.watchFor(60 * SECOND, async () => assert.deepEqual(await holders(), before), SECOND)

  await cluster.machine(before[0]!).kill()
  await cluster.client.delete('v1', 'Node', { name: before[0]! })
  await cluster.until('moved at once', async () => (await holders())[0] !== before[0], 2 * SECOND)
  assert.deepEqual((await holders()).slice(1), before.slice(1))
})

test('under externalTrafficPolicy Local a node with Pods announces, and follows them', async (context) => {
  const cluster = await labCluster(context, '192.0.2.32/28')
  const { client } = cluster
  await client.create('v1', 'Service', balanced('web', { externalTrafficPolicy: 'Local' }))
  await announced(cluster, 'web')
  const nowhere = holderOf(await get(cluster, 'web'))
  await client.create('apps/v1', 'Deployment', deployment('web', 1))
  const podNode = async () => (await cluster.pods()).find(({ metadata }) => !metadata.deletionTimestamp)?.spec.nodeName
  await cluster.until('the pod’s node announces', async () => {
    const node = await podNode()
    return node !== undefined && holderOf(await get(cluster, 'web')) === node
  })
  const from = await podNode()
  await client.patch('v1', 'Node', { name: from! }, { type: 'merge', body: { spec: { unschedulable: true } } })
  const [pod] = await cluster.pods()
  await client.delete('v1', 'Pod', { namespace: 'default', name: pod!.metadata.name! })
  await cluster.until('it follows', async () => {
    const node = await podNode()
    return node !== undefined && node !== from && holderOf(await get(cluster, 'web')) === node
  })
  assert.ok(nowhere, 'announced before there were pods')
})

test('nodes that are kept out of load balancers announce nothing', async (context) => {
  const cluster = await labCluster(context, '192.0.2.32/28')
  const label = (value: string | null) => ({ metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } } })
  for (const name of ['node-1', 'node-3']) await cluster.client.patch('v1', 'Node', { name }, { type: 'merge', body: label('') })
  await cluster.client.create('v1', 'Service', balanced('web'))
  await announced(cluster, 'web')
  assert.equal(holderOf(await get(cluster, 'web')), 'node-2')
  await cluster.client.patch('v1', 'Node', { name: 'node-2' }, { type: 'merge', body: label('') })
  await cluster.client.patch('v1', 'Node', { name: 'node-3' }, { type: 'merge', body: label(null) })
  await cluster.until('moved', async () => holderOf(await get(cluster, 'web')) === 'node-3')
})
