import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settings as schedulerSettings } from '../../scheduler/config.ts'
import { createScheduler } from '../../scheduler/create-scheduler.ts'
import { type Policy, policyOf } from '../../scheduler/policy/read-policy.ts'
import { conflict, StatusError } from '../../shared/errors/status-error.ts'
import { readConfig } from '../../shared/process/config.ts'
import type { Service } from '../../shared/process/run.ts'
import { type Fault, withFaults } from '../../simulation/faults/faulty-transport.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { pod } from '../harness/workloads.ts'

const CONTROLLERS = ['serviceaccount', 'node-lifecycle']
type Weather = { fault: (method: string, path: string) => Fault | undefined }

const clusterOf = (context: TestContext, nodes = 1, options: object = {}) =>
  startSimulatedCluster(context, { nodes, controllers: CONTROLLERS, ...options })

/** A scheduler on a connection with faults; not started. */
function schedulerOf(cluster: SimulatedCluster, weather: Weather, settings: object = {}, policy?: Policy): Service {
  const defaults = readConfig({ name: 'scheduler', summary: '' }, schedulerSettings, { args: [], env: {} })
  const tools = withFaults(cluster.tools, cluster.transportOf('scheduler'), ({ method, path }) => weather.fault(method, path))
  return createScheduler({ ...defaults, leaderElect: false, healthPort: 0, ...settings }, tools, policy)
}

const asking = (name: string, cpu: string, more: object = {}) =>
  pod(name, { containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu } } }], ...more })
const make = async ({ client, clock }: SimulatedCluster, draft: ReturnType<typeof pod>) => {
  await client.create('v1', 'Pod', draft)
  await clock.settle()
}
const nodeOf = async (cluster: SimulatedCluster, name: string) => (await cluster.get('v1', 'Pod', name)).spec.nodeName
const scheduled = async (cluster: SimulatedCluster, name: string) => {
  const condition = (await cluster.get('v1', 'Pod', name)).status.conditions?.find(({ type }) => type === 'PodScheduled')
  return condition && [condition.status, condition.reason, condition.message]
}

const NOT_HELPFUL = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'

test('a placed pod says so; so does one that finds no node, in the words people know', async (context) => {
  const cluster = await clusterOf(context, 2)
  await make(cluster, asking('fits', '1'))
  assert.match((await nodeOf(cluster, 'fits')) ?? '', /^node-[12]$/)
  assert.deepEqual((await scheduled(cluster, 'fits'))?.[0], 'True')
  const node = await nodeOf(cluster, 'fits')
  assert.deepEqual(await cluster.eventMessages('Scheduled'), [`Successfully assigned default/fits to ${node}`])

  await cluster.client.patch('v1', 'Node', { name: 'node-2' }, { type: 'merge', body: { spec: { unschedulable: true } } })
  await cluster.clock.advance(1_000)
  await make(cluster, asking('large', '64'))
  const message =
    '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.'
  assert.deepEqual(await scheduled(cluster, 'large'), ['False', 'Unschedulable', message])
  assert.deepEqual(await cluster.eventMessages('FailedScheduling'), [message])
  assert.equal((await cluster.get('v1', 'Pod', 'large')).status.phase, 'Pending')
})

test('pods keep apart from those of their own revision alone: matchLabelKeys are read from the pod when it is made', async (context) => {
  const cluster = await clusterOf(context, 1)
  const apart = {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: { app: 'web' } },
    matchLabelKeys: ['revision'],
  }
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } }
  for (const [name, revision] of [
    ['old', '1'],
    ['new', '2'],
    ['second-new', '2'],
  ] as const) {
    const draft = asking(name, '100m', { affinity })
    await make(cluster, { ...draft, metadata: { ...draft.metadata, labels: { app: 'web', revision } } })
  }
  const placed = await Promise.all(['old', 'new', 'second-new'].map((name) => nodeOf(cluster, name)))
  assert.deepEqual(placed, ['node-1', 'node-1', undefined])
  const [term] =
    (await cluster.get('v1', 'Pod', 'new')).spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  assert.deepEqual(term?.labelSelector?.matchExpressions, [{ key: 'revision', operator: 'In', values: ['2'] }])
})

test('without nodes pods wait, and the first node wakes them', async (context) => {
  const cluster = await clusterOf(context, 0)
  await make(cluster, asking('early', '1'))
  assert.deepEqual(await scheduled(cluster, 'early'), ['False', 'Unschedulable', 'no nodes available to schedule pods'])
  await cluster.clock.advance(2_000)
  await cluster.addMachine({ name: 'node-1' })
  await cluster.until('placed', async () => (await nodeOf(cluster, 'early')) === 'node-1', 3_000)
  assert.equal((await scheduled(cluster, 'early'))?.[0], 'True')
})

test('room that becomes free wakes who needs it: a pod that ends, a node that is uncordoned, a taint that goes', async (context) => {
  const cluster = await clusterOf(context, 1)
  const { client, clock } = cluster
  await make(cluster, asking('first', '3'))
  await make(cluster, asking('second', '3'))
  assert.equal(await nodeOf(cluster, 'second'), undefined)
  await clock.advance(60_000)
  assert.equal(await nodeOf(cluster, 'second'), undefined, 'heartbeats free nobody')
  assert.equal((await cluster.eventMessages('FailedScheduling')).length, 1, 'and it was not tried again for nothing')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'first' })
  await cluster.until('the second is placed', async () => (await nodeOf(cluster, 'second')) === 'node-1', 2_000)

  const cordon = (unschedulable: boolean | null) =>
    client.patch('v1', 'Node', { name: 'node-1' }, { type: 'merge', body: { spec: { unschedulable } } })
  await cordon(true)
  await clock.advance(1_000)
  await make(cluster, asking('third', '100m'))
  assert.equal((await scheduled(cluster, 'third'))?.[2], `0/1 nodes are available: 1 node(s) were unschedulable. ${NOT_HELPFUL}`)
  await cordon(null)
  await cluster.until('the third is placed', async () => (await nodeOf(cluster, 'third')) === 'node-1', 12_000)

  await client.patch(
    'v1',
    'Node',
    { name: 'node-1' },
    { type: 'merge', body: { spec: { taints: [{ key: 'team', effect: 'NoSchedule' }] } } },
  )
  await clock.settle()
  await make(cluster, asking('fourth', '100m'))
  assert.equal((await scheduled(cluster, 'fourth'))?.[2], `0/1 nodes are available: 1 node(s) had untolerated taint(s). ${NOT_HELPFUL}`)
  await client.patch('v1', 'Node', { name: 'node-1' }, { type: 'merge', body: { spec: { taints: null } } })
  await cluster.until('the fourth is placed', async () => (await nodeOf(cluster, 'fourth')) === 'node-1', 3_000)
})

test('a gated pod is left alone until its last gate is gone', async (context) => {
  const cluster = await clusterOf(context)
  await make(cluster, pod('gated', { schedulingGates: [{ name: 'example.com/a' }, { name: 'example.com/b' }] }))
  await cluster.clock.advance(10_000)
  assert.equal((await scheduled(cluster, 'gated'))?.[1], 'SchedulingGated')
  const open = async (schedulingGates: object[] | null) => {
    const body = { spec: { schedulingGates } }
    await cluster.client.patch('v1', 'Pod', { namespace: 'default', name: 'gated' }, { type: 'merge', body })
    await cluster.clock.advance(1_000)
    return nodeOf(cluster, 'gated')
  }
  assert.equal(await open([{ name: 'example.com/b' }]), undefined)
  assert.equal(await open(null), 'node-1')
  assert.deepEqual(await cluster.eventMessages('FailedScheduling'), [])
})

test('pods of other schedulers are not ours', async (context) => {
  const cluster = await clusterOf(context)
  await make(cluster, pod('theirs', { schedulerName: 'another' }))
  await cluster.clock.advance(10_000)
  assert.equal(await nodeOf(cluster, 'theirs'), undefined)
  assert.equal(await scheduled(cluster, 'theirs'), undefined)
})

test('two profiles place the pods of their names, each by its own rules; nobody places those of others', async (context) => {
  const cluster = await clusterOf(context, 2, { scheduler: false })
  const packing = {
    schedulerName: 'packing',
    pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }],
    plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesFit' }] } },
  } as const
  const policy = policyOf({ schedulerName: undefined, plugins: [] }, { profiles: [{ schedulerName: 'default-scheduler' }, packing] })
  await cluster.add(schedulerOf(cluster, { fault: () => undefined }, {}, policy))
  await cluster.clock.advance(1_000)
  for (const name of ['packed-1', 'packed-2', 'packed-3']) await make(cluster, asking(name, '1', { schedulerName: 'packing' }))
  await make(cluster, asking('spread', '100m'))
  await make(cluster, asking('theirs', '100m', { schedulerName: 'another' }))
  const nodes = await Promise.all(['packed-1', 'packed-2', 'packed-3', 'spread', 'theirs'].map((name) => nodeOf(cluster, name)))
  assert.deepEqual([new Set(nodes.slice(0, 3)).size, nodes[3] !== nodes[0], nodes[4]], [1, true, undefined], nodes.join())
})

test('higher priority goes first when room is short', async (context) => {
  const cluster = await clusterOf(context, 0)
  await cluster.client.create('scheduling.k8s.io/v1', 'PriorityClass', { metadata: { name: 'high' }, value: 1000 })
  await make(cluster, asking('low', '3'))
  await make(cluster, asking('high', '3', { priorityClassName: 'high' }))
  await cluster.clock.advance(20_000)
  await cluster.addMachine({ name: 'node-1' })
  await cluster.until('one is placed', async () => ((await nodeOf(cluster, 'high')) ?? (await nodeOf(cluster, 'low'))) !== undefined)
  await cluster.clock.advance(20_000)
  assert.deepEqual([await nodeOf(cluster, 'high'), await nodeOf(cluster, 'low')], ['node-1', undefined])
})

test('a refused binding is told, its room is free at once, and it is tried again after the back-off', async (context) => {
  const cluster = await clusterOf(context, 1, { scheduler: false })
  const weather: Weather = { fault: () => undefined }
  await cluster.add(schedulerOf(cluster, weather))
  await cluster.clock.advance(1_000)
  weather.fault = (_method, path) => (path.endsWith('/first/binding') ? new StatusError('InternalError', 'disk full') : undefined)
  await make(cluster, asking('first', '3'))
  await make(cluster, asking('second', '3'))
  assert.deepEqual([await nodeOf(cluster, 'first'), await nodeOf(cluster, 'second')], [undefined, 'node-1'])
  assert.deepEqual((await cluster.eventMessages('FailedScheduling')).slice(0, 1), ['binding rejected: disk full'])
  weather.fault = () => undefined
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: 'second' })
  await cluster.until('tried again', async () => (await nodeOf(cluster, 'first')) === 'node-1', 15_000)
})

test('a binding whose answer is lost was a binding', async (context) => {
  const cluster = await clusterOf(context, 2, { scheduler: false })
  let lost = 0
  const fault = (_method: string, path: string) => (path.endsWith('/binding') && lost++ < 3 ? ('answer lost' as const) : undefined)
  await cluster.add(schedulerOf(cluster, { fault }))
  await cluster.clock.advance(1_000)
  for (const name of ['a', 'b', 'c', 'd']) await make(cluster, asking(name, '1500m'))
  await cluster.clock.advance(30_000)
  const placed = await Promise.all(['a', 'b', 'c', 'd'].map((name) => nodeOf(cluster, name)))
  assert.deepEqual(placed.toSorted(), ['node-1', 'node-1', 'node-2', 'node-2'], 'none twice, none too many on one node')
})

test('somebody else may bind a pod first, or delete it meanwhile: it is simply no longer ours', async (context) => {
  const cluster = await clusterOf(context, 2, { scheduler: false })
  const { client, clock } = cluster
  const weather: Weather = { fault: () => undefined }
  await cluster.add(schedulerOf(cluster, weather))
  await clock.advance(1_000)
  let other: Promise<unknown> | undefined
  weather.fault = (_method, path) => {
    if (path.endsWith('/taken/binding') && !other) {
      const target = { apiVersion: 'v1', kind: 'Node', name: 'node-2' }
      const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'taken' }, target }
      other = client.createSubresource('v1', 'Pod', { namespace: 'default', name: 'taken' }, 'binding', body)
      return conflict({ group: '', resource: 'pods' }, 'taken', 'pod taken is already assigned to node "node-2"')
    }
    if (path.endsWith('/dropped/binding')) {
      other = client.delete('v1', 'Pod', { namespace: 'default', name: 'dropped' }, { gracePeriodSeconds: 0 })
      return new StatusError('NotFound', 'pods "dropped" not found')
    }
    return undefined
  }
  await make(cluster, asking('taken', '3'))
  await other
  await clock.advance(10_000)
  assert.equal(await nodeOf(cluster, 'taken'), 'node-2')
  await make(cluster, asking('dropped', '3'))
  await other
  await clock.advance(10_000)
  await make(cluster, asking('next', '3'))
  assert.equal(await nodeOf(cluster, 'next'), 'node-1', 'its room is not held for ever')
})

test('one of two schedulers places; when it dies the other goes on', async (context) => {
  const cluster = await clusterOf(context, 2, { scheduler: false })
  const bindings = [0, 0]
  const weathers = bindings.map(
    (_, index): Weather => ({
      fault: (_method, path) => {
        if (path.endsWith('/binding')) bindings[index] = (bindings[index] ?? 0) + 1
        return undefined
      },
    }),
  )
  for (const weather of weathers) {
    await cluster.add(schedulerOf(cluster, weather, { leaderElect: true }))
    await cluster.clock.advance(3_000)
  }
  for (let index = 0; index < 10; index++) await make(cluster, asking(`a${index}`, '100m'))
  await cluster.clock.advance(1_000)
  assert.deepEqual(bindings, [10, 0])
  weathers[0]!.fault = () => 'lost'
  for (let index = 0; index < 10; index++) await make(cluster, asking(`b${index}`, '100m'))
  await cluster.until('all placed', async () => (await cluster.pods()).every(({ spec }) => spec.nodeName), 60_000)
  assert.deepEqual(bindings, [10, 10])
})
