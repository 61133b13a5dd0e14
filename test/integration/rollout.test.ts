import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type ClusterOptions, type InProcessCluster, startCluster } from '../../simulation/cluster.ts'
import { type KubeletBehaviour, simulateKubelet } from '../harness/simulated-kubelet.ts'
import { deployment, podTemplate } from '../harness/workloads.ts'

const web = { namespace: 'default', name: 'web' }
type Ending = { after(action: () => Promise<void>): void }

async function clusterWithNodes(t: Ending, behaviour: KubeletBehaviour = {}, options: ClusterOptions = {}): Promise<InProcessCluster> {
  const controllers = ['deployment', 'replicaset', 'garbage-collector', 'serviceaccount', 'node-lifecycle']
  const cluster = await startCluster({ controllers, scheduler: true, ...options })
  t.after(() => cluster.stop())
  await cluster.clock.advance(100)
  for (const name of ['node-1', 'node-2']) {
    const kubelet = await simulateKubelet(cluster.client, name, cluster.tools, behaviour)
    t.after(async () => kubelet.kill())
  }
  return cluster
}

const podsOf = async ({ client }: InProcessCluster): Promise<Pod[]> => (await client.list('v1', 'Pod', { namespace: 'default' })).items
const setsOf = async ({ client }: InProcessCluster): Promise<ReplicaSet[]> =>
  (await client.list('apps/v1', 'ReplicaSet', { namespace: 'default' })).items
const isReady = (pod: Pod) => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
const condition = async ({ client }: InProcessCluster, type: string) =>
  (await client.get('apps/v1', 'Deployment', web)).status.conditions?.find((each) => each.type === type)

async function setImage({ client }: InProcessCluster, image: string): Promise<void> {
  const body = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }
  await client.patch('apps/v1', 'Deployment', web, { type: 'strategic', body })
}

test('a Deployment becomes ready pods on both nodes, with upstream’s marks on everything', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 4))
  await cluster.clock.advance(3_000)
  const pods = await podsOf(cluster)
  assert.equal(pods.filter(isReady).length, 4)
  assert.deepEqual(new Set(pods.map((pod) => pod.spec.nodeName)), new Set(['node-1', 'node-2']))
  const [set] = await setsOf(cluster)
  const hash = set?.metadata.labels?.['pod-template-hash'] ?? ''
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]+$/)
  assert.equal(set?.metadata.name, `web-${hash}`)
  assert.equal(set?.spec.selector.matchLabels?.['pod-template-hash'], hash)
  assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
  assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/desired-replicas'], '4')
  assert.equal(set?.metadata.annotations?.['deployment.kubernetes.io/max-replicas'], '5')
  for (const pod of pods) {
    assert.match(pod.metadata.name ?? '', new RegExp(`^web-${hash}-[a-z0-9]{5}$`))
    assert.deepEqual(pod.metadata.ownerReferences, [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: set?.metadata.name,
        uid: set?.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ])
  }
  const { status, metadata } = await cluster.client.get('apps/v1', 'Deployment', web)
  assert.equal(metadata.annotations?.['deployment.kubernetes.io/revision'], '1')
  const { conditions, ...numbers } = status
  assert.deepEqual(numbers, {
    observedGeneration: metadata.generation,
    replicas: 4,
    updatedReplicas: 4,
    readyReplicas: 4,
    availableReplicas: 4,
  })
  assert.deepEqual(
    conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [
      ['Available', 'True', 'MinimumReplicasAvailable'],
      ['Progressing', 'True', 'NewReplicaSetAvailable'],
    ],
  )
  const events = (await cluster.client.list('v1', 'Event', { namespace: 'default' })).items
  assert.ok(
    events.some(({ reason, message }) => reason === 'ScalingReplicaSet' && message === `Scaled up replica set web-${hash} from 0 to 4`),
  )
  assert.equal(
    events.filter(({ reason, involvedObject }) => reason === 'SuccessfulCreate' && involvedObject.kind === 'ReplicaSet').length,
    4,
  )
})

test('a deleted pod is replaced, and a scaled Deployment follows', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.clock.advance(3_000)
  const victim = (await podsOf(cluster))[0]
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: victim?.metadata.name ?? '' })
  await cluster.clock.advance(3_000)
  const pods = await podsOf(cluster)
  assert.equal(pods.filter(isReady).length, 2)
  assert.ok(!pods.some((pod) => pod.metadata.uid === victim?.metadata.uid))
  for (const replicas of [50, 1, 0, 3]) {
    await cluster.client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { replicas } } })
    await cluster.clock.advance(5_000)
    assert.equal((await podsOf(cluster)).filter(isReady).length, replicas)
    assert.equal((await podsOf(cluster)).length, replicas)
  }
  assert.equal((await setsOf(cluster)).length, 1)
})

test('a rolling update never goes below what must be available nor above what may exist', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 10))
  await cluster.clock.advance(5_000)
  await setImage(cluster, 'nginx:1.28')
  let most = 0
  let least = 10
  for (let step = 0; step < 100; step++) {
    await cluster.clock.advance(100)
    const pods = (await podsOf(cluster)).filter((pod) => pod.metadata.deletionTimestamp === undefined)
    most = Math.max(most, pods.length)
    least = Math.min(least, pods.filter(isReady).length)
  }
  assert.ok(most <= 13, `at most 25 % more, rounded up: ${most}`)
  assert.ok(most > 10, 'it surged')
  assert.ok(least >= 8, `at most 25 % fewer, rounded down: ${least}`)
  const pods = await podsOf(cluster)
  assert.equal(pods.length, 10)
  assert.ok(pods.every((pod) => pod.spec.containers[0]?.image === 'nginx:1.28'))
  const sets = await setsOf(cluster)
  assert.deepEqual(sets.map((set) => set.spec.replicas).sort(), [0, 10])
  assert.equal((await condition(cluster, 'Progressing'))?.reason, 'NewReplicaSetAvailable')
})

test('rolling back reuses the old ReplicaSet under a new revision', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.clock.advance(4_000)
  await setImage(cluster, 'nginx:1.28')
  await cluster.clock.advance(10_000)
  const before = await setsOf(cluster)
  await setImage(cluster, 'nginx:1.27')
  await cluster.clock.advance(10_000)
  const after = await setsOf(cluster)
  assert.deepEqual(after.map((set) => set.metadata.uid).sort(), before.map((set) => set.metadata.uid).sort())
  const current = after.find((set) => set.spec.replicas === 2)
  assert.equal(current?.spec.template.spec.containers[0]?.image, 'nginx:1.27')
  assert.equal(current?.metadata.annotations?.['deployment.kubernetes.io/revision'], '3')
  assert.equal(current?.metadata.annotations?.['deployment.kubernetes.io/revision-history'], '1')
  assert.equal((await cluster.client.get('apps/v1', 'Deployment', web)).metadata.annotations?.['deployment.kubernetes.io/revision'], '3')
})

test('Recreate waits until every old pod is gone', async (t) => {
  const cluster = await clusterWithNodes(t, { gracefulFor: 3_000 })
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 3, { strategy: { type: 'Recreate' } }))
  await cluster.clock.advance(4_000)
  await setImage(cluster, 'nginx:1.28')
  for (let step = 0; step < 80; step++) {
    await cluster.clock.advance(100)
    const images = new Set((await podsOf(cluster)).map((pod) => pod.spec.containers[0]?.image))
    assert.ok(images.size <= 1, 'old and new at the same time')
  }
  const pods = await podsOf(cluster)
  assert.equal(pods.filter(isReady).length, 3)
  assert.ok(pods.every((pod) => pod.spec.containers[0]?.image === 'nginx:1.28'))
})

test('a paused Deployment scales but does not roll; resumed it does', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.clock.advance(4_000)
  await cluster.client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { paused: true } } })
  await setImage(cluster, 'nginx:1.28')
  await cluster.client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { replicas: 3 } } })
  await cluster.clock.advance(5_000)
  assert.deepEqual(
    (await podsOf(cluster)).map((pod) => pod.spec.containers[0]?.image),
    ['nginx:1.27', 'nginx:1.27', 'nginx:1.27'],
  )
  assert.equal((await condition(cluster, 'Progressing'))?.reason, 'DeploymentPaused')
  await cluster.client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { paused: null } } })
  await cluster.clock.advance(10_000)
  assert.ok((await podsOf(cluster)).every((pod) => pod.spec.containers[0]?.image === 'nginx:1.28'))
})

test('a rollout that makes no progress says so after its deadline, and keeps the old pods serving', async (t) => {
  const cluster = await clusterWithNodes(t, { readyAfter: (pod) => (pod.spec.containers[0]?.image === 'broken' ? undefined : 1_000) })
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 4, { progressDeadlineSeconds: 60 }))
  await cluster.clock.advance(4_000)
  await setImage(cluster, 'broken')
  await cluster.clock.advance(30_000)
  assert.equal((await condition(cluster, 'Progressing'))?.status, 'True')
  await cluster.clock.advance(40_000)
  const progressing = await condition(cluster, 'Progressing')
  assert.deepEqual([progressing?.status, progressing?.reason], ['False', 'ProgressDeadlineExceeded'])
  assert.equal((await podsOf(cluster)).filter(isReady).length, 3)
  await setImage(cluster, 'nginx:1.27')
  await cluster.clock.advance(10_000)
  assert.equal((await condition(cluster, 'Progressing'))?.reason, 'NewReplicaSetAvailable')
  assert.equal((await podsOf(cluster)).length, 4)
})

test('the history is as long as asked for', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 1, { revisionHistoryLimit: 2 }))
  for (let version = 1; version <= 5; version++) {
    await setImage(cluster, `nginx:2.${version}`)
    await cluster.clock.advance(8_000)
  }
  assert.deepEqual((await setsOf(cluster)).map((set) => set.metadata.annotations?.['deployment.kubernetes.io/revision']).sort(), [
    '4',
    '5',
    '6',
  ])
})

test('a deleted Deployment takes its ReplicaSets and pods with it; orphaned ones stay', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.clock.advance(4_000)
  await cluster.client.delete('apps/v1', 'Deployment', web, { propagationPolicy: 'Orphan' })
  await cluster.clock.advance(5_000)
  assert.equal((await podsOf(cluster)).length, 2)
  const [set] = await setsOf(cluster)
  assert.equal(set?.metadata.ownerReferences, undefined)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.clock.advance(5_000)
  assert.equal((await setsOf(cluster)).length, 1, 'the orphan is adopted')
  assert.equal((await setsOf(cluster))[0]?.metadata.uid, set?.metadata.uid)
  await cluster.client.delete('apps/v1', 'Deployment', web, { propagationPolicy: 'Background' })
  await cluster.clock.advance(10_000)
  assert.deepEqual([(await setsOf(cluster)).length, (await podsOf(cluster)).length], [0, 0])
})

test('foreground deletion keeps the owner until its dependents are gone', async (t) => {
  const cluster = await clusterWithNodes(t, { gracefulFor: 5_000 })
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.clock.advance(4_000)
  await cluster.client.delete('apps/v1', 'Deployment', web, { propagationPolicy: 'Foreground' })
  await cluster.clock.advance(2_000)
  const waiting = await cluster.client.get('apps/v1', 'Deployment', web)
  assert.deepEqual(waiting.metadata.finalizers, ['foregroundDeletion'])
  assert.equal((await podsOf(cluster)).length, 2)
  await cluster.clock.advance(10_000)
  assert.deepEqual([(await setsOf(cluster)).length, (await podsOf(cluster)).length], [0, 0])
  await assert.rejects(cluster.client.get('apps/v1', 'Deployment', web), /not found/)
})

test('components that lose the server mid-rollout go on where they were when it is back', async (t) => {
  const cluster = await clusterWithNodes(t)
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 10))
  await cluster.clock.advance(4_000)
  await setImage(cluster, 'nginx:1.28')
  for (let round = 0; round < 6; round++) {
    await cluster.clock.advance(700)
    cluster.cut(true)
    await cluster.clock.advance(1_300)
    cluster.cut(false)
  }
  await cluster.clock.advance(30_000)
  const pods = await podsOf(cluster)
  assert.equal(pods.length, 10, 'nothing doubled, nothing lost')
  assert.ok(pods.every((pod) => isReady(pod) && pod.spec.containers[0]?.image === 'nginx:1.28'))
})

test('pods that match are adopted, and let go when they no longer do', async (t) => {
  const cluster = await clusterWithNodes(t)
  const { metadata, spec } = podTemplate('web')
  await cluster.client.create('v1', 'Pod', { metadata: { ...metadata, name: 'own', namespace: 'default' }, spec })
  await cluster.clock.advance(2_000)
  await cluster.client.create('apps/v1', 'ReplicaSet', {
    metadata: { name: 'set', namespace: 'default' },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: podTemplate('web') },
  })
  await cluster.clock.advance(4_000)
  assert.equal((await podsOf(cluster)).length, 2, 'one adopted, one made')
  const own = { namespace: 'default', name: 'own' }
  assert.equal((await cluster.client.get('v1', 'Pod', own)).metadata.ownerReferences?.[0]?.name, 'set')
  await cluster.client.patch('v1', 'Pod', own, { type: 'merge', body: { metadata: { labels: { app: 'other' } } } })
  await cluster.clock.advance(4_000)
  assert.equal((await cluster.client.get('v1', 'Pod', own)).metadata.ownerReferences, undefined)
  assert.equal((await podsOf(cluster)).length, 3)
})

test('scaled while a rollout hangs, old and new grow by their shares (upstream’s figures: 10 → 30 with a bad image)', async (t) => {
  const cluster = await clusterWithNodes(t, { readyAfter: ({ spec }) => (spec.containers[0]?.image === 'broken' ? undefined : 1_000) })
  const rollingUpdate = { maxSurge: 3, maxUnavailable: 2 }
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 10, { strategy: { type: 'RollingUpdate', rollingUpdate } }))
  await cluster.clock.advance(5_000)
  await setImage(cluster, 'broken')
  await cluster.clock.advance(10_000)
  const sizes = async () => {
    const sets = await setsOf(cluster)
    const isBroken = ({ spec }: ReplicaSet) => spec.template?.spec.containers[0]?.image === 'broken'
    return [sets.find((set) => !isBroken(set))?.spec.replicas, sets.find(isBroken)?.spec.replicas]
  }
  assert.deepEqual(await sizes(), [8, 5])
  await cluster.client.patch('apps/v1', 'Deployment', web, { type: 'merge', body: { spec: { replicas: 30 } } })
  await cluster.clock.advance(10_000)
  assert.deepEqual(await sizes(), [20, 13])
})
