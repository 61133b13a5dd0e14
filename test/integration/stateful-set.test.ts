import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ControllerRevision } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { podTemplate, statefulSet } from '../harness/workloads.ts'

const web = { namespace: 'default', name: 'web' }
const isReady = ({ status }: Pod) => status.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name ?? '').sort()
const images = (pods: readonly Pod[]) => pods.map(({ metadata, spec }) => `${metadata.name} ${spec.containers[0]?.image}`).sort()

const read = (cluster: SimulatedCluster) => cluster.get('apps/v1', 'StatefulSet', 'web')
const patch = (cluster: SimulatedCluster, body: object) => cluster.client.patch('apps/v1', 'StatefulSet', web, { type: 'strategic', body })
const setImage = (cluster: SimulatedCluster, image: string) =>
  patch(cluster, { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } })
const fail = ({ client }: SimulatedCluster, name: string) =>
  client.patch('v1', 'Pod', { namespace: 'default', name }, { type: 'merge', subresource: 'status', body: { status: { phase: 'Failed' } } })
const revisionsOf = async (cluster: SimulatedCluster): Promise<ControllerRevision[]> =>
  (await cluster.list('apps/v1', 'ControllerRevision')).sort((left, right) => left.revision - right.revision)

async function settled(cluster: SimulatedCluster, wanted: readonly string[]): Promise<Pod[]> {
  await cluster.until(`${wanted} are ready`, async () => {
    const pods = await cluster.pods()
    const { metadata, status } = await read(cluster)
    const isSeen = status.observedGeneration === metadata.generation && (status.readyReplicas ?? 0) === wanted.length
    return isSeen && names(pods).join() === [...wanted].sort().join() && pods.every(isReady)
  })
  return cluster.pods()
}

const rowOf = (count: number, start = 0) => Array.from({ length: count }, (_, index) => `web-${start + index}`)

async function withSet(t: TestContext, replicas: number, spec: Parameters<typeof statefulSet>[2] = {}, script?: (pod: Pod) => object) {
  const cluster = await startSimulatedCluster(t, { ...(script ? { machine: { script } } : {}) })
  await cluster.clock.advance(1_000)
  await cluster.client.create('apps/v1', 'StatefulSet', statefulSet('web', replicas, spec))
  return cluster
}

/** Moves on until the condition holds, and looks at the pods after each step. */
async function watching(cluster: SimulatedCluster, what: string, condition: () => Promise<boolean>, look: (pods: readonly Pod[]) => void) {
  await cluster.until(what, async () => {
    look(await cluster.pods())
    return condition()
  })
}

test('a StatefulSet has numbered pods, made one after the other, with upstream’s marks', async (t) => {
  const cluster = await withSet(t, 3)
  await watching(
    cluster,
    'three are ready',
    async () => (await read(cluster)).status.readyReplicas === 3,
    (pods) => {
      const waiting = pods.filter((pod) => !isReady(pod))
      assert.ok(waiting.length <= 1 && waiting.every(({ metadata }) => metadata.name === `web-${pods.length - 1}`), names(pods).join())
    },
  )
  const pods = await settled(cluster, rowOf(3))
  const [revision, ...others] = await revisionsOf(cluster)
  assert.equal(others.length, 0)
  assert.match(revision?.metadata.name ?? '', /^web-[a-z0-9]+$/)
  for (const { metadata, spec } of pods) {
    assert.deepEqual([spec.hostname, spec.subdomain, metadata.generateName], [metadata.name, 'web', 'web-'])
    assert.deepEqual(metadata.labels, {
      app: 'web',
      'apps.kubernetes.io/pod-index': metadata.name?.slice(4),
      'controller-revision-hash': revision?.metadata.name,
      'statefulset.kubernetes.io/pod-name': metadata.name,
    })
  }
  const name = revision?.metadata.name
  assert.deepEqual((await read(cluster)).status, {
    ...{ observedGeneration: 1, replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3 },
    ...{ currentRevision: name, updateRevision: name, collisionCount: 0 },
  })
  const events = await cluster.eventMessages('SuccessfulCreate')
  assert.ok(events.includes('create Pod web-0 in StatefulSet web successful'), events.join('\n'))
})

test('scaling goes up from the lowest and down from the highest, and halts at a pod that is not ready', async (t) => {
  const broken = new Set<string>()
  const cluster = await withSet(t, 2, {}, ({ metadata }) => ({ becomesReady: !broken.has(metadata.name ?? '') }))
  await settled(cluster, rowOf(2))
  broken.add('web-2')
  await patch(cluster, { spec: { replicas: 5 } })
  await cluster.until('web-2 is there', async () => names(await cluster.pods()).includes('web-2'))
  await cluster.clock.advance(20_000)
  assert.deepEqual(names(await cluster.pods()), rowOf(3))
  broken.clear()
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: 'web-2' })
  await settled(cluster, rowOf(5))
  await patch(cluster, { spec: { replicas: 1 } })
  let least = 5
  await watching(
    cluster,
    'one is left',
    async () => (await cluster.pods()).length === 1,
    (pods) => {
      assert.deepEqual(names(pods), rowOf(pods.length))
      assert.ok(pods.filter(({ metadata }) => metadata.deletionTimestamp).length <= 1, 'one at a time')
      least = Math.min(least, pods.length)
    },
  )
  assert.equal(least, 1)
})

test('Parallel: all at once, whatever their state', async (t) => {
  const cluster = await withSet(t, 4, { podManagementPolicy: 'Parallel' }, () => ({ becomesReady: false }))
  await cluster.until('all are there', async () => (await cluster.pods()).length === 4)
  await patch(cluster, { spec: { replicas: 1 } })
  await cluster.until('one is left', async () => (await cluster.pods()).length === 1)
  assert.deepEqual(names(await cluster.pods()), ['web-0'])
})

test('ordinals may begin elsewhere, and be moved', async (t) => {
  const cluster = await withSet(t, 2, { ordinals: { start: 5 } })
  await settled(cluster, rowOf(2, 5))
  await patch(cluster, { spec: { ordinals: { start: 3 } } })
  await settled(cluster, rowOf(2, 3))
})

test('a rolling update goes down from the highest, one at a time; a partition holds the lower ones back', async (t) => {
  const cluster = await withSet(t, 3, { updateStrategy: { rollingUpdate: { partition: 2 } } })
  await settled(cluster, rowOf(3))
  const before = (await read(cluster)).status.currentRevision
  await setImage(cluster, 'nginx:2')
  await cluster.until('the canary is new', async () => images(await cluster.pods())[2] === 'web-2 nginx:2')
  await settled(cluster, rowOf(3))
  // Below the partition even a pod made anew is of the former template.
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: 'web-1' })
  await cluster.clock.advance(5_000)
  assert.deepEqual(images(await settled(cluster, rowOf(3))), ['web-0 nginx:1.27', 'web-1 nginx:1.27', 'web-2 nginx:2'])
  const { status } = await read(cluster)
  assert.equal(status.currentRevision, before)
  assert.notEqual(status.updateRevision, before)
  assert.deepEqual([status.currentReplicas, status.updatedReplicas], [2, 1])
  await patch(cluster, { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } })
  const order: string[] = []
  await watching(
    cluster,
    'all are new',
    async () => (await read(cluster)).status.currentRevision === status.updateRevision,
    (pods) => {
      assert.ok(pods.filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp).length >= 2, 'one at a time')
      for (const { metadata, spec } of pods) {
        if (spec.containers[0]?.image === 'nginx:2' && !order.includes(metadata.name ?? '')) order.push(metadata.name ?? '')
      }
    },
  )
  assert.deepEqual(order, ['web-2', 'web-1', 'web-0'])
  // Back again, as `kubectl rollout undo` does it: the first revision becomes the newest.
  const [first] = await revisionsOf(cluster)
  await patch(cluster, first?.data ?? {})
  await cluster.until('all are old', async () => (await read(cluster)).status.currentRevision === before)
  assert.deepEqual(
    (await revisionsOf(cluster)).map(({ metadata, revision }) => [metadata.name === before, revision]),
    [
      [false, 2],
      [true, 3],
    ],
  )
})

test('OnDelete waits for somebody to delete, and history is kept to its limit', async (t) => {
  const cluster = await withSet(t, 2, { updateStrategy: { type: 'OnDelete' }, revisionHistoryLimit: 1 })
  await settled(cluster, rowOf(2))
  for (const image of ['nginx:2', 'nginx:3', 'nginx:4']) {
    await setImage(cluster, image)
    await settled(cluster, rowOf(2))
  }
  assert.deepEqual(images(await cluster.pods()), ['web-0 nginx:1.27', 'web-1 nginx:1.27'])
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: 'web-1' })
  await cluster.until('one is new', async () => images(await cluster.pods())[1] === 'web-1 nginx:4')
  // That of the present template, that of the pods that are left, and one more.
  await cluster.until('the history is short', async () => (await revisionsOf(cluster)).length === 3)
  assert.deepEqual(
    (await revisionsOf(cluster)).map(({ revision }) => revision),
    [1, 3, 4],
  )
})

test('a pod that failed or was turned away is made again under its name', async (t) => {
  const cluster = await withSet(t, 2)
  const before = await settled(cluster, rowOf(2))
  await fail(cluster, 'web-0')
  await cluster.until('another web-0', async () => {
    const pod = (await cluster.pods()).find(({ metadata }) => metadata.name === 'web-0')
    return pod && isReady(pod) && !before.some(({ metadata }) => metadata.uid === pod.metadata.uid)
  })
})

test('a pod of a lost node keeps its place until somebody deletes it', async (t) => {
  const cluster = await withSet(t, 3)
  const pods = await settled(cluster, rowOf(3))
  const [victim] = pods
  await cluster.machine(victim?.spec.nodeName ?? '').kill()
  // Marked after its toleration of five minutes, and then it stands there: nobody can say whether it still runs.
  await cluster.until(
    'it is told to go',
    async () => {
      const pod = (await cluster.pods()).find(({ metadata }) => metadata.name === victim?.metadata.name)
      return pod?.metadata.deletionTimestamp !== undefined
    },
    600_000,
    5_000,
  )
  await cluster.clock.advance(600_000)
  const still = (await cluster.pods()).find(({ metadata }) => metadata.name === victim?.metadata.name)
  assert.equal(still?.metadata.uid, victim?.metadata.uid)
  const name = victim?.metadata.name ?? ''
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name }, { gracePeriodSeconds: 0 })
  await settled(cluster, rowOf(3))
})

test('a pod whose node was deleted is made again elsewhere', async (t) => {
  const cluster = await withSet(t, 3)
  const [victim] = await settled(cluster, rowOf(3))
  const node = victim?.spec.nodeName ?? ''
  await cluster.machine(node).kill('crash')
  await cluster.client.delete('v1', 'Node', { name: node })
  await cluster.until(
    'another pod of the name',
    async () => {
      const pod = (await cluster.pods()).find(({ metadata }) => metadata.name === victim?.metadata.name)
      return pod && pod.metadata.uid !== victim?.metadata.uid && isReady(pod)
    },
    180_000,
    1_000,
  )
  const pods = await settled(cluster, rowOf(3))
  assert.ok(!pods.some(({ spec }) => spec.nodeName === node))
})

test('pods and revisions of an orphaned set are taken over', async (t) => {
  const cluster = await withSet(t, 2)
  const before = await settled(cluster, rowOf(2))
  await cluster.client.delete('apps/v1', 'StatefulSet', web, { propagationPolicy: 'Orphan' })
  await cluster.until('the set is gone', async () => !(await cluster.find('apps/v1', 'StatefulSet', 'web')))
  await cluster.client.create('v1', 'Pod', {
    metadata: { name: 'web-x', namespace: 'default', labels: { app: 'web' } },
    spec: podTemplate('web').spec,
  })
  await cluster.client.create('apps/v1', 'StatefulSet', statefulSet('web', 2))
  await cluster.until(
    'both are owned',
    async () => (await cluster.pods()).filter(({ metadata }) => metadata.ownerReferences?.length).length === 2,
  )
  const uids = (pods: readonly Pod[]) =>
    pods
      .filter(({ metadata }) => metadata.name !== 'web-x')
      .map(({ metadata }) => metadata.uid)
      .sort()
  await cluster.clock.advance(5_000)
  assert.deepEqual(uids(await cluster.pods()), uids(before))
  const stranger = (await cluster.pods()).find(({ metadata }) => metadata.name === 'web-x')
  assert.equal(stranger?.metadata.ownerReferences, undefined)
  assert.equal((await revisionsOf(cluster)).length, 1)
})

const dataClaim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
const claimsOf = async (cluster: SimulatedCluster) =>
  (await cluster.list('v1', 'PersistentVolumeClaim')).map(({ metadata }) => metadata.name ?? '').sort()

/** No volumes are needed to see whose claims are whose: their pods wait. */
for (const [whenDeleted, whenScaled, afterScaling, afterDeletion] of [
  ['Retain', 'Retain', ['data-web-0', 'data-web-1', 'data-web-2'], ['data-web-0', 'data-web-1', 'data-web-2']],
  ['Delete', 'Retain', ['data-web-0', 'data-web-1', 'data-web-2'], []],
  ['Retain', 'Delete', ['data-web-0'], ['data-web-0']],
  ['Delete', 'Delete', ['data-web-0'], []],
] as const) {
  test(`claims: ${whenDeleted} with the set, ${whenScaled} when it is scaled down`, async (t) => {
    const cluster = await withSet(t, 3, {
      ...{ podManagementPolicy: 'Parallel', volumeClaimTemplates: [dataClaim] },
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
    })
    await cluster.until('all claims are there', async () => (await claimsOf(cluster)).length === 3 && (await cluster.pods()).length === 3)
    const [claim] = await cluster.list('v1', 'PersistentVolumeClaim')
    assert.deepEqual(claim?.metadata.labels, { app: 'web' })
    await patch(cluster, { spec: { replicas: 1 } })
    await cluster.until(
      'scaled down',
      async () => (await cluster.pods()).length === 1 && (await claimsOf(cluster)).join() === afterScaling.join(),
    )
    await cluster.clock.advance(3_000)
    assert.deepEqual(await claimsOf(cluster), afterScaling)
    await cluster.client.delete('apps/v1', 'StatefulSet', web)
    await cluster.until(
      'all gone',
      async () => (await cluster.pods()).length === 0 && (await claimsOf(cluster)).join() === afterDeletion.join(),
    )
    await cluster.clock.advance(3_000)
    assert.deepEqual(await claimsOf(cluster), afterDeletion)
  })
}
