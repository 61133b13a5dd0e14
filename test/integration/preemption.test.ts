import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'

const CLASS = 'scheduling.k8s.io/v1'

async function classes(cluster: SimulatedCluster): Promise<void> {
  const make = (name: string, value: number, preemptionPolicy = 'PreemptLowerPriority') =>
    cluster.client.create(CLASS, 'PriorityClass', { metadata: { name }, value, preemptionPolicy })
  await make('low', 1)
  await make('high', 100)
  await make('patient', 100, 'Never')
}

function create(
  cluster: SimulatedCluster,
  name: string,
  priorityClassName: string,
  cpu: string,
  spec: object = {},
  labels: Record<string, string> = {},
) {
  const containers = [{ name: 'main', image: 'nginx', resources: { requests: { cpu } } }]
  const body = { metadata: { name, labels }, spec: { containers, priorityClassName, ...spec } }
  return cluster.client.create('v1', 'Pod', body, { namespace: 'default' })
}

const running = async (cluster: SimulatedCluster, name: string) => (await cluster.find('v1', 'Pod', name))?.status.phase === 'Running'
const cpuOf = async (cluster: SimulatedCluster) => Number((await cluster.list('v1', 'Node'))[0]?.status.allocatable?.['cpu'] ?? Number.NaN)

test('a more important pod takes the place of a less important one, which ends with its grace and says why', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  await classes(cluster)
  const cpu = await cpuOf(cluster)
  assert.ok(cpu >= 2)
  await create(cluster, 'victim', 'low', `${cpu - 1}`)
  await cluster.until('the victim runs', () => running(cluster, 'victim'))
  let last: Pod | undefined
  let nominated: string | undefined
  await create(cluster, 'important', 'high', `${cpu - 1}`)
  await cluster.until(
    'the important pod runs',
    async () => {
      last = (await cluster.find('v1', 'Pod', 'victim')) ?? last
      nominated ??= (await cluster.find('v1', 'Pod', 'important'))?.status.nominatedNodeName
      return running(cluster, 'important')
    },
    120_000,
  )
  assert.equal(await cluster.find('v1', 'Pod', 'victim'), undefined)
  assert.equal(nominated, 'node-1')
  const condition = last?.status.conditions?.find(({ type }) => type === 'DisruptionTarget')
  assert.deepEqual([condition?.status, condition?.reason], ['True', 'PreemptionByScheduler'])
  assert.equal(condition?.message, 'default-scheduler: preempting to accommodate a higher priority pod')
  const { metadata, status } = await cluster.get('v1', 'Pod', 'important')
  assert.equal(status.nominatedNodeName, undefined, 'a bound pod has its room')
  await cluster.until('the event is there', async () =>
    (await cluster.eventMessages('Preempted')).includes(`Preempted by pod ${metadata.uid} on node node-1`),
  )
})

test('a pod that never displaces others waits until there is room, and says so', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  await classes(cluster)
  const cpu = await cpuOf(cluster)
  await create(cluster, 'first', 'low', `${cpu - 1}`)
  await cluster.until('the first runs', () => running(cluster, 'first'))
  await create(cluster, 'waiting', 'patient', `${cpu - 1}`)
  const message = '0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.'
  await cluster.until('it says why it waits', async () =>
    (await cluster.get('v1', 'Pod', 'waiting')).status.conditions?.some((condition) => condition.message === message),
  )
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: 'first' })
  await cluster.until('there is room', () => running(cluster, 'waiting'), 120_000)
})

test('extended resources are fought for like any other, and a budget decides between two victims', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 2 })
  await classes(cluster)
  for (const node of await cluster.list('v1', 'Node')) {
    const status = { capacity: { 'example.com/foo': '1' }, allocatable: { 'example.com/foo': '1' } }
    await cluster.client.patch('v1', 'Node', { name: node.metadata.name! }, { type: 'strategic', subresource: 'status', body: { status } })
  }
  const resources = { requests: { 'example.com/foo': '1' }, limits: { 'example.com/foo': '1' } }
  const wants = { containers: [{ name: 'main', image: 'nginx', resources }] }
  const selector = { matchLabels: { app: 'guarded' } }
  await cluster.client.create(
    'policy/v1',
    'PodDisruptionBudget',
    { metadata: { name: 'guard' }, spec: { selector, minAvailable: 1 } },
    { namespace: 'default' },
  )
  await create(cluster, 'guarded', 'low', '1', wants, { app: 'guarded' })
  await create(cluster, 'free', 'low', '1', wants)
  await cluster.until('both run', async () => (await running(cluster, 'guarded')) && running(cluster, 'free'))
  await cluster.until(
    'the budget is counted',
    async () => (await cluster.get('policy/v1', 'PodDisruptionBudget', 'guard')).status.currentHealthy === 1,
  )
  await create(cluster, 'important', 'high', '1', wants)
  await cluster.until('the important pod runs', () => running(cluster, 'important'), 120_000)
  assert.equal(await cluster.find('v1', 'Pod', 'free'), undefined)
  assert.ok(await running(cluster, 'guarded'))
})

test('several important pods make room for themselves, and no more than they need', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 3 })
  await classes(cluster)
  const cpu = await cpuOf(cluster)
  const share = `${Math.floor((cpu * 1000) / 2 - 100)}m`
  for (let index = 0; index < 6; index++) await create(cluster, `low-${index}`, 'low', share)
  await cluster.until('all run', async () => (await cluster.pods()).filter(({ status }) => status.phase === 'Running').length === 6)
  for (let index = 0; index < 3; index++) await create(cluster, `high-${index}`, 'high', share)
  await cluster.until(
    'the important ones run',
    async () => {
      const states = await Promise.all([0, 1, 2].map((index) => running(cluster, `high-${index}`)))
      return states.every(Boolean)
    },
    240_000,
  )
  assert.equal((await cluster.pods()).filter(({ metadata }) => metadata.name?.startsWith('low-')).length, 3)
})

test('room that was made in vain is given up: the pod is not nominated any longer, and others may have it', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  await classes(cluster)
  const cpu = await cpuOf(cluster)
  const finalizers = ['example.com/stays']
  const containers = [{ name: 'main', image: 'nginx', resources: { requests: { cpu: `${cpu - 1}` } } }]
  const held = { metadata: { name: 'held', finalizers }, spec: { containers, priorityClassName: 'low' } }
  await cluster.client.create('v1', 'Pod', held, { namespace: 'default' })
  await cluster.until('the victim runs', () => running(cluster, 'held'))
  await create(cluster, 'important', 'high', `${cpu - 1}`)
  const nominated = async () => (await cluster.get('v1', 'Pod', 'important')).status.nominatedNodeName
  await cluster.until('room is being made', async () => (await nominated()) === 'node-1')
  const [node] = await cluster.list('v1', 'Node')
  await cluster.client.patch('v1', 'Node', { name: node!.metadata.name! }, { type: 'merge', body: { spec: { unschedulable: true } } })
  await cluster.until('it is told that there will be none', async () => (await nominated()) === undefined, 400_000, 1_000)
  const message = (await cluster.get('v1', 'Pod', 'important')).status.conditions?.find(({ type }) => type === 'PodScheduled')?.message
  assert.match(message ?? '', /Preemption is not helpful for scheduling/)
})
