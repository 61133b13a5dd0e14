import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { type Fault, withFaults } from '../../simulation/faults/faulty-transport.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment, pod, service } from '../harness/workloads.ts'

const SECOND = 1_000
const ready = (node: Node) => node.status.conditions?.find(({ type }) => type === 'Ready')?.status
const evicts = (node: Node) => (node.spec.taints ?? []).some(({ effect }) => effect === 'NoExecute')
const isReady = (each: Pod) => each.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
const nodesWhere = async (cluster: SimulatedCluster, condition: (node: Node) => boolean) =>
  (await cluster.list('v1', 'Node')).filter(condition).map(({ metadata }) => metadata.name)
const isSilent = (node: Node) => ready(node) === 'Unknown'

const silence = async (cluster: SimulatedCluster, ...names: string[]) => {
  for (const name of names) await cluster.machine(name).kill()
}

test('a silent node: unknown after its grace, its pods out of Services, evicted when they tolerate it no longer, home again', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 3 })
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 6))
  await cluster.client.create('v1', 'Service', service('web'))
  await cluster.until('runs', async () => (await cluster.pods()).filter(isReady).length === 6)
  const stranded = (await cluster.pods()).filter(({ spec }) => spec.nodeName === 'node-2').map(({ metadata }) => metadata.uid ?? '')
  assert.equal(stranded.length, 2, 'spread over the nodes')
  await silence(cluster, 'node-2')
  const since = cluster.clock.now()
  await cluster.until('unknown', async () => (await nodesWhere(cluster, isSilent)).join() === 'node-2')
  const noticed = (cluster.clock.now() - since) / SECOND
  assert.ok(noticed > 39 && noticed < 66, `40 to 50 s and a look every 5 s: ${noticed}`)
  await cluster.clock.advance(SECOND)
  const slices = await cluster.list('discovery.k8s.io/v1', 'EndpointSlice')
  const there = slices.flatMap(({ endpoints }) => endpoints ?? []).filter(({ nodeName }) => nodeName === 'node-2')
  assert.deepEqual(
    there.map(({ conditions }) => conditions?.ready),
    [false, false],
  )
  assert.deepEqual(await cluster.eventMessages('NodeNotReady'), [
    'Node node-2 status is now: NodeNotReady',
    ...stranded.map(() => 'Node is not ready'),
  ])

  await cluster.clock.advance(290 * SECOND)
  assert.equal((await cluster.pods()).length, 6, 'tolerated for five minutes')
  await cluster.until('replaced', async () => (await cluster.pods()).filter(isReady).length === 6, 30 * SECOND)
  assert.equal((await cluster.eventMessages('TaintManagerEviction')).length, 2)
  assert.deepEqual(cluster.machine('node-2').running.size, 2, 'nobody could tell the containers')

  await cluster.machine('node-2').revive()
  await cluster.until(
    'home again',
    async () => (await nodesWhere(cluster, (node) => ready(node) === 'True' && !node.spec.taints)).length === 3,
  )
  await cluster.until('the old ones ended', async () => cluster.machine('node-2').running.size === 0)
  assert.equal((await cluster.pods()).length, 6)
})

test('when all nodes fall silent, it is we who are cut off: nobody is evicted, however long it lasts', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 3 })
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 3))
  await cluster.until('runs', async () => (await cluster.pods()).filter(isReady).length === 3)
  const before = (await cluster.pods()).map(({ metadata }) => metadata.uid).sort()
  await silence(cluster, 'node-1', 'node-2', 'node-3')
  await cluster.until('all unknown', async () => (await nodesWhere(cluster, isSilent)).length === 3, 90 * SECOND)
  await cluster.clock.advance(20 * SECOND)
  assert.deepEqual(await nodesWhere(cluster, evicts), [])
  await cluster.clock.advance(600 * SECOND)
  assert.deepEqual((await cluster.pods()).map(({ metadata }) => metadata.uid).sort(), before)
  for (const machine of cluster.machines) await machine.revive()
  await cluster.until(
    'all back',
    async () => (await nodesWhere(cluster, (node) => ready(node) === 'True' && !node.spec.taints)).length === 3,
  )
  await cluster.until('ready again', async () => (await cluster.pods()).filter(isReady).length === 3)
  assert.deepEqual((await cluster.pods()).map(({ metadata }) => metadata.uid).sort(), before)
})

test('nodes of a zone are evicted one by one, at the zone’s pace; a small zone that is mostly lost not at all', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 0 })
  const zones = { a: 6, b: 4 }
  for (const [zone, count] of Object.entries(zones)) {
    for (let index = 1; index <= count; index++) {
      await cluster.addMachine({ name: `${zone}${index}`, labels: { 'topology.kubernetes.io/zone': zone } })
    }
  }
  await silence(cluster, 'a1', 'a2', 'b1', 'b2', 'b3')
  await cluster.until('noticed', async () => (await nodesWhere(cluster, isSilent)).length === 5, 90 * SECOND)
  const evictedOf = async (zone: string) => (await nodesWhere(cluster, evicts)).filter((name) => name?.startsWith(zone)).length
  assert.ok((await evictedOf('a')) <= 2)
  await cluster.clock.advance(20 * SECOND)
  assert.equal(await evictedOf('a'), 2)
  assert.ok((await evictedOf('b')) <= 2, 'stopped when the zone was mostly lost')
  await cluster.clock.advance(300 * SECOND)
  assert.ok((await evictedOf('b')) <= 2)
})

test('the pace: of many that fall silent together, one is evicted at once, and another each ten seconds', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 12, scheduler: false })
  await silence(cluster, 'node-1', 'node-2', 'node-3', 'node-4')
  const times: number[] = []
  const known = new Set<string>()
  await cluster.until(
    'all four',
    async () => {
      for (const name of await nodesWhere(cluster, evicts)) {
        if (!known.has(name ?? '')) times.push(cluster.clock.now())
        known.add(name ?? '')
      }
      return known.size === 4
    },
    180 * SECOND,
  )
  const pauses = times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / SECOND)
  assert.ok(
    pauses.every((pause) => pause >= 9.9 && pause <= 16),
    `pauses ${pauses}`,
  )
})

test('a taint put by hand, without a time, evicts after the tolerated time and not before', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 2 })
  const tolerations = [{ key: 'maintenance', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]
  await cluster.client.create('v1', 'Pod', pod('patient', { nodeName: 'node-1', tolerations }))
  await cluster.client.create('v1', 'Pod', pod('spared', { nodeName: 'node-2', tolerations }))
  await cluster.clock.advance(SECOND)
  const taint = (taints: object[] | null) => ({ type: 'merge' as const, body: { spec: { taints } } })
  for (const name of ['node-1', 'node-2']) {
    await cluster.client.patch('v1', 'Node', { name }, taint([{ key: 'maintenance', effect: 'NoExecute' }]))
  }
  const left = async () => (await cluster.pods()).filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name)
  await cluster.clock.advance(55 * SECOND)
  assert.deepEqual((await left()).sort(), ['patient', 'spared'])
  await cluster.client.patch('v1', 'Node', { name: 'node-2' }, taint(null))
  await cluster.clock.advance(10 * SECOND)
  assert.deepEqual(await left(), ['spared'])
  await cluster.clock.advance(600 * SECOND)
  assert.deepEqual(await left(), ['spared'], 'what is taken back evicts nobody')
})

async function rangesUnderFaults(context: TestContext, seed: number): Promise<void> {
  const cluster = await startSimulatedCluster(context, { controllers: [], nodes: 0, scheduler: false })
  const random = seededRandom(seed)
  const fault = ({ method }: { method: string }): Fault | undefined =>
    method === 'PATCH' && random.fraction() < 0.4 ? (random.fraction() < 0.5 ? 'lost' : 'answer lost') : undefined
  const tools = withFaults(cluster.tools, cluster.transportOf('controller-manager'), fault)
  const settings = { ...cluster.controllerSettings, controllers: ['node-ipam'], clusterCidr: ['10.244.0.0/18'] }
  await cluster.add(await createControllerManager(settings, tools))
  const names = Array.from({ length: 64 }, (_, index) => `n${index}`)
  await Promise.all(names.map((name) => cluster.client.create('v1', 'Node', { metadata: { name } })))
  const ranges = async () => (await cluster.list('v1', 'Node')).flatMap(({ spec }) => spec.podCIDR || [])
  await cluster.until('all have one', async () => (await ranges()).length === 64)
  assert.equal(new Set(await ranges()).size, 64, 'no range is given twice')
  const node = await cluster.client.create('v1', 'Node', { metadata: { name: 'one-too-many' } })
  await cluster.clock.advance(SECOND)
  assert.equal((await cluster.get('v1', 'Node', node.metadata.name ?? '')).spec.podCIDR, undefined)
  assert.deepEqual(await cluster.eventMessages('CIDRNotAvailable'), ['Node one-too-many status is now: CIDRNotAvailable'])
  const freed = (await cluster.get('v1', 'Node', 'n7')).spec.podCIDR
  await cluster.client.delete('v1', 'Node', { name: 'n7' })
  await cluster.until('the freed one', async () => (await cluster.get('v1', 'Node', 'one-too-many')).spec.podCIDR === freed)
}

for (const seed of [1, 2, 3]) {
  test(`64 nodes at once get 64 ranges, whatever answers are lost (seed ${seed})`, (context) => rangesUnderFaults(context, seed))
}
