import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { DeepPartial, Draft, ObjectOf } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { statefulSet } from '../harness/workloads.ts'

type Volume = ObjectOf<'v1', 'PersistentVolume'>

const claimSpec = { accessModes: ['ReadWriteOnce'], storageClassName: 'nfs', resources: { requests: { storage: '1Gi' } } }

function served(name: string, spec: DeepPartial<Volume['spec']> = {}): Draft<Volume> {
  const nfs = { server: 'files.example.com', path: `/srv/${name}` }
  return {
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'nfs', nfs, ...spec },
  }
}

test('a StatefulSet over a file server goes on elsewhere with its data when its node is lost', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 2 })
  const { client } = cluster
  for (const name of ['one', 'two']) await client.create('v1', 'PersistentVolume', served(name))
  const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: claimSpec }]
  await client.create('apps/v1', 'StatefulSet', statefulSet('db', 2, { volumeClaimTemplates }))
  const running = async () =>
    (await cluster.pods()).filter(({ status, metadata }) => status.phase === 'Running' && !metadata.deletionTimestamp)
  await cluster.until('both run', async () => (await running()).length === 2)
  const volumeOf = async (pod: string) => (await cluster.get('v1', 'PersistentVolumeClaim', `data-${pod}`)).spec.volumeName
  const before = await volumeOf('db-0')
  const { spec } = await cluster.get('v1', 'Pod', 'db-0')
  const lost = spec.nodeName ?? ''
  await cluster.machine(lost).kill('crash')
  // Whoever knows that the machine is off says so; nobody else can (upstream's out-of-service taint).
  await cluster.until(
    'it is not ready',
    async () => {
      const node = await cluster.get('v1', 'Node', lost)
      return node.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'Unknown'
    },
    120_000,
    1000,
  )
  assert.equal((await cluster.get('v1', 'Pod', 'db-0')).spec.nodeName, lost, 'two of one name must never run')
  const node = await cluster.get('v1', 'Node', lost)
  const taints = [...(node.spec.taints ?? []), { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }]
  await client.patch('v1', 'Node', { name: lost }, { type: 'merge', body: { spec: { taints } } })
  await cluster.until(
    'both run, elsewhere',
    async () => (await running()).filter((pod) => pod.spec.nodeName !== lost).length === 2,
    120_000,
    1000,
  )
  assert.equal(await volumeOf('db-0'), before, 'the same data')
})

/** A cluster in which recyclers end as told, and a volume whose claim was deleted. */
async function givenUp(context: TestContext, exitCode: number) {
  const script = (pod: ObjectOf<'v1', 'Pod'>) =>
    pod.metadata.name?.startsWith('recycler-for-') ? { ends: { afterMilliseconds: 1000, exitCode } } : {}
  const cluster = await startSimulatedCluster(context, { nodes: 2, machine: { script } })
  const { client } = cluster
  const data = { namespace: 'default', name: 'data' }
  await client.create('v1', 'PersistentVolume', served('one', { persistentVolumeReclaimPolicy: 'Recycle' }))
  await client.create('v1', 'PersistentVolumeClaim', { metadata: data, spec: claimSpec })
  const volumeIs = (phase: string) =>
    cluster.until(`it is ${phase}`, async () => (await client.get('v1', 'PersistentVolume', { name: 'one' })).status.phase === phase)
  await volumeIs('Bound')
  await client.delete('v1', 'PersistentVolumeClaim', data)
  return { cluster, client, volumeIs }
}

test('a volume to be recycled is emptied by a pod that mounts it, and free again', async (context) => {
  const { cluster, client, volumeIs } = await givenUp(context, 0)
  await cluster.until('it is being emptied', async () => (await cluster.find('v1', 'Pod', 'recycler-for-one')) !== undefined)
  const { spec } = await cluster.get('v1', 'Pod', 'recycler-for-one')
  assert.deepEqual(spec.volumes, [{ name: 'volume', nfs: { server: 'files.example.com', path: '/srv/one' } }])
  assert.equal(spec.activeDeadlineSeconds, 330)
  assert.equal((await client.get('v1', 'PersistentVolume', { name: 'one' })).status.phase, 'Released', 'nobody has it before it is empty')
  await volumeIs('Available')
  assert.equal((await client.get('v1', 'PersistentVolume', { name: 'one' })).spec.claimRef, undefined)
  await cluster.until('the recycler is gone', async () => (await cluster.find('v1', 'Pod', 'recycler-for-one')) === undefined)
  assert.deepEqual(await cluster.eventMessages('VolumeRecycled'), ['Volume recycled'])
  const next = { namespace: 'default', name: 'next' }
  await client.create('v1', 'PersistentVolumeClaim', { metadata: next, spec: claimSpec })
  await volumeIs('Bound')
  // Its recycler has a name that was used: it is another all the same.
  await client.delete('v1', 'PersistentVolumeClaim', next)
  await volumeIs('Available')
})

test('a volume that could not be emptied says so, and nobody gets it; without the failed pod it is tried again', async (context) => {
  const { cluster, client, volumeIs } = await givenUp(context, 1)
  await volumeIs('Failed')
  const { status } = await client.get('v1', 'PersistentVolume', { name: 'one' })
  assert.match(status.message ?? '', /recycler pod "recycler-for-one" failed: .*; delete the pod to have it tried again/)
  const first = await cluster.get('v1', 'Pod', 'recycler-for-one')
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'recycler-for-one' })
  await cluster.until('another tries', async () => {
    try {
      return (await cluster.get('v1', 'Pod', 'recycler-for-one')).metadata.uid !== first.metadata.uid
    } catch (error) {
      if (hasReason(error, 'NotFound')) return false
      throw error
    }
  })
})
