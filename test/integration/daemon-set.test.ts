import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { daemonSet, podTemplate } from '../harness/workloads.ts'

const agent = { namespace: 'default', name: 'agent' }
const isReady = ({ status }: Pod) => status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true
const uids = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.uid).sort()
const onNodes = (pods: readonly Pod[]) => pods.map(({ spec }) => spec.nodeName).sort()

const read = (cluster: SimulatedCluster) => cluster.get('apps/v1', 'DaemonSet', 'agent')
const revisionsOf = async (cluster: SimulatedCluster): Promise<ControllerRevision[]> =>
  (await cluster.list('apps/v1', 'ControllerRevision')).sort((left, right) => left.revision - right.revision)
const patch = (cluster: SimulatedCluster, body: object) => cluster.client.patch('apps/v1', 'DaemonSet', agent, { type: 'strategic', body })
const setImage = (cluster: SimulatedCluster, image: string) =>
  patch(cluster, { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } })

/** Settled: what was asked for last was seen, and each node that should has an available pod of the newest template. */
function isSettled({ metadata, status }: DaemonSet, nodes: number): boolean {
  const counts = [status.desiredNumberScheduled, status.currentNumberScheduled, status.updatedNumberScheduled, status.numberAvailable]
  return status.observedGeneration === metadata.generation && counts.every((count) => (count ?? 0) === nodes)
}

async function settled(cluster: SimulatedCluster, nodes: number): Promise<Pod[]> {
  await cluster.until(`${nodes} nodes have their daemon`, async () => {
    const pods = await cluster.pods()
    return isSettled(await read(cluster), nodes) && pods.length === nodes && pods.every(isReady)
  })
  return cluster.pods()
}

async function withAgents(t: Parameters<typeof startSimulatedCluster>[0], spec: Parameters<typeof daemonSet>[1] = {}, nodes = 3) {
  const cluster = await startSimulatedCluster(t, { nodes })
  await cluster.clock.advance(1_000)
  await cluster.client.create('apps/v1', 'DaemonSet', daemonSet('agent', spec))
  const pods = await settled(cluster, nodes)
  return { cluster, pods }
}

test('a DaemonSet has one pod on each node, placed by the scheduler, with upstream’s marks', async (t) => {
  const { cluster, pods } = await withAgents(t)
  assert.deepEqual(onNodes(pods), ['node-1', 'node-2', 'node-3'])
  const [revision, ...others] = await revisionsOf(cluster)
  assert.deepEqual([revision?.revision, others.length], [1, 0])
  const hash = revision?.metadata.labels?.['controller-revision-hash'] ?? ''
  assert.equal(revision?.metadata.name, `agent-${hash}`)
  const set = await read(cluster)
  assert.deepEqual(revision?.data, { spec: { template: { ...set.spec.template, $patch: 'replace' } } })
  assert.equal(set.metadata.annotations?.['deprecated.daemonset.template.generation'], '1')
  for (const { metadata, spec } of pods) {
    assert.match(metadata.name ?? '', /^agent-[a-z0-9]{5}$/)
    assert.deepEqual(metadata.labels, { app: 'agent', 'controller-revision-hash': hash, 'pod-template-generation': '1' })
    assert.deepEqual(spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms, [
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: [spec.nodeName] }] },
    ])
    assert.ok(spec.tolerations?.some(({ key, effect }) => key === 'node.kubernetes.io/unschedulable' && effect === 'NoSchedule'))
  }
  const status: DaemonSetStatus = {
    ...{ currentNumberScheduled: 3, desiredNumberScheduled: 3, numberReady: 3, numberAvailable: 3, numberMisscheduled: 0 },
    ...{ updatedNumberScheduled: 3, observedGeneration: 1 },
  }
  assert.deepEqual(set.status, status)
  const scheduled = (await cluster.eventMessages('Scheduled')).length
  assert.equal(scheduled, 3)
})

test('daemons follow the nodes: new ones, ones whose labels change, cordoned and tainted ones', async (t) => {
  const { cluster } = await withAgents(t)
  await cluster.addMachine({ name: 'node-4', labels: { disk: 'ssd' } })
  await settled(cluster, 4)
  await patch(cluster, { spec: { template: { spec: { nodeSelector: { disk: 'ssd' } } } } })
  assert.deepEqual(onNodes(await settled(cluster, 1)), ['node-4'])
  const node = (name: string, body: object) => cluster.client.patch('v1', 'Node', { name }, { type: 'merge', body })
  await node('node-1', { metadata: { labels: { disk: 'ssd' } } })
  assert.deepEqual(onNodes(await settled(cluster, 2)), ['node-1', 'node-4'])
  await node('node-4', { metadata: { labels: { disk: null } } })
  assert.deepEqual(onNodes(await settled(cluster, 1)), ['node-1'])
  // A taint against new pods: what is there stays, and is counted as out of place.
  await node('node-1', { spec: { taints: [{ key: 'keep-off', effect: 'NoSchedule' }] } })
  await cluster.until('the pod is out of place', async () => (await read(cluster)).status.numberMisscheduled === 1)
  assert.deepEqual(onNodes(await cluster.pods()), ['node-1'])
  await node('node-1', { spec: { taints: [{ key: 'get-out', effect: 'NoExecute' }] } })
  await cluster.until('the pod is gone', async () => (await cluster.pods()).length === 0)
  await node('node-1', { spec: { taints: null, unschedulable: true } })
  assert.deepEqual(onNodes(await settled(cluster, 1)), ['node-1'])
})

test('a failed pod is replaced at once, and then ever more slowly', async (t) => {
  const { cluster, pods } = await withAgents(t, {}, 1)
  let [last] = pods
  const fail = async () => {
    const { name = '' } = last?.metadata ?? {}
    const body = { status: { phase: 'Failed', reason: 'Evicted' } }
    await cluster.client.patch('v1', 'Pod', { namespace: 'default', name }, { type: 'merge', subresource: 'status', body })
    const began = cluster.clock.now()
    const before = last?.metadata.uid
    await cluster.until('another pod', async () => {
      ;[last] = await cluster.pods()
      return last && last.metadata.uid !== before && isReady(last)
    })
    return cluster.clock.now() - began
  }
  const waits = [await fail(), await fail(), await fail(), await fail()]
  assert.ok(waits[0] !== undefined && waits[0] < 1_000, `${waits}`)
  assert.ok(waits[3] !== undefined && waits[3] > 2_000, `${waits}`)
  assert.match(
    (await cluster.eventMessages('FailedDaemonPod'))[0] ?? '',
    /^Found failed daemon pod default\/agent-\w+ on node node-1, will try to kill it$/,
  )
})

test('a rolling update takes one node at a time, and going back restarts nothing that is of the old template still', async (t) => {
  const { cluster, pods } = await withAgents(t, { minReadySeconds: 2 })
  await setImage(cluster, 'nginx:does-not-start')
  const untouched = async () =>
    (await cluster.pods()).filter(({ metadata }) => uids(pods).includes(metadata.uid) && !metadata.deletionTimestamp)
  // Not ready for two seconds, ever: the first is replaced, and that is all.
  await cluster.until('the first is replaced', async () => (await untouched()).length === 2)
  assert.equal((await read(cluster)).status.updatedNumberScheduled ?? 0, 0)
  const kept = uids(await untouched())
  const [first] = await revisionsOf(cluster)
  // As `kubectl rollout undo` does it.
  await patch(cluster, first?.data ?? {})
  const after = await settled(cluster, 3)
  for (const uid of kept) assert.ok(uids(after).includes(uid), 'a pod of the old template was restarted')
  const revisions = await revisionsOf(cluster)
  assert.deepEqual(
    revisions.map(({ metadata, revision }) => [metadata.name === first?.metadata.name, revision]),
    [
      [false, 2],
      [true, 3],
    ],
  )
})

for (const [what, bounds, most, least] of [
  ['maxUnavailable 50%', { maxUnavailable: '50%' }, 1, 1],
  ['maxSurge 1', { maxUnavailable: 0, maxSurge: 1 }, 2, 3],
] as const) {
  test(`a rolling update with ${what} never has more on a node nor fewer available than that`, async (t) => {
    const { cluster } = await withAgents(t, { updateStrategy: { rollingUpdate: bounds } })
    await setImage(cluster, 'nginx:2')
    await cluster.until('all are new', async () => {
      const pods = (await cluster.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      for (const name of ['node-1', 'node-2', 'node-3']) {
        const here = pods.filter(({ spec }) => spec.nodeName === name).length
        assert.ok(here <= most, `${here} on ${name}`)
      }
      const served = new Set(pods.filter(isReady).map(({ spec }) => spec.nodeName)).size
      assert.ok(served >= least, `${served} nodes are served`)
      return isSettled(await read(cluster), 3) && pods.every(({ spec }) => spec.containers[0]?.image === 'nginx:2')
    })
    assert.deepEqual(onNodes(await settled(cluster, 3)), ['node-1', 'node-2', 'node-3'])
  })
}

test('OnDelete: pods are of the new template when somebody deletes the old ones', async (t) => {
  const { cluster, pods } = await withAgents(t, { updateStrategy: { type: 'OnDelete' } })
  await setImage(cluster, 'nginx:2')
  await cluster.clock.advance(10_000)
  assert.deepEqual(uids(await cluster.pods()), uids(pods))
  assert.equal((await read(cluster)).status.updatedNumberScheduled ?? 0, 0)
  const { name = '' } = pods[0]?.metadata ?? {}
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name })
  await cluster.until('one is new', async () => (await read(cluster)).status.updatedNumberScheduled === 1)
})

test('revisions: the history is kept to its limit, and an orphaned set’s is taken over with its pods', async (t) => {
  const { cluster } = await withAgents(t, { revisionHistoryLimit: 1 })
  for (const image of ['nginx:2', 'nginx:3']) {
    await setImage(cluster, image)
    await settled(cluster, 3)
  }
  await cluster.until('one old revision', async () => (await revisionsOf(cluster)).length === 2)
  assert.deepEqual(
    (await revisionsOf(cluster)).map(({ revision }) => revision),
    [2, 3],
  )
  const before = uids(await cluster.pods())
  await cluster.client.delete('apps/v1', 'DaemonSet', agent, { propagationPolicy: 'Orphan' })
  await cluster.until('the set is gone', async () => !(await cluster.find('apps/v1', 'DaemonSet', 'agent')))
  const template = podTemplate('agent', 'nginx:3')
  await cluster.client.create('apps/v1', 'DaemonSet', daemonSet('agent', { template }))
  assert.deepEqual(uids(await settled(cluster, 3)), before)
  const set = await read(cluster)
  const revisions = await revisionsOf(cluster)
  assert.deepEqual(
    revisions.map(({ revision, metadata }) => [revision, metadata.ownerReferences?.map(({ uid }) => uid === set.metadata.uid)]),
    [
      [2, [true]],
      [3, [true]],
    ],
  )
})

test('a revision’s name that a stranger has is avoided', async (t) => {
  const { cluster } = await withAgents(t)
  const [mine] = await revisionsOf(cluster)
  await cluster.client.delete('apps/v1', 'DaemonSet', agent)
  await cluster.until('all is gone', async () => (await cluster.pods()).length + (await revisionsOf(cluster)).length === 0)
  const metadata = { name: mine?.metadata.name, namespace: 'default' }
  await cluster.client.create('apps/v1', 'ControllerRevision', { metadata, revision: 1, data: { any: 'thing' } })
  await cluster.client.create('apps/v1', 'DaemonSet', daemonSet('agent'))
  await settled(cluster, 3)
  assert.equal((await read(cluster)).status.collisionCount, 1)
  assert.equal((await revisionsOf(cluster)).length, 2)
})
