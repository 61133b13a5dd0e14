import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import type { DeepPartial, Draft, ObjectOf } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { withFaults } from '../../simulation/faults/faulty-transport.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { pod } from '../harness/workloads.ts'

type Claim = ObjectOf<'v1', 'PersistentVolumeClaim'>
type Volume = ObjectOf<'v1', 'PersistentVolume'>

const SELECTED = 'volume.kubernetes.io/selected-node'
const FOLDER = 'coxswain/node-folder'
const named = (name: string) => ({ namespace: 'default', name })

function claim(name: string, spec: DeepPartial<Claim['spec']> = {}): Draft<Claim> {
  const plain = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: '' }
  return { metadata: named(name), spec: { ...plain, ...spec } }
}

function volume(name: string, spec: DeepPartial<Volume['spec']> = {}): Draft<Volume> {
  return {
    metadata: { name },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, hostPath: { path: '/data' }, ...spec },
  }
}

/** A cluster whose nodes keep folders; what a kubelet does with them the tests do. */
async function start(context: TestContext, options: Parameters<typeof startSimulatedCluster>[1] = {}) {
  const cluster = await startSimulatedCluster(context, { nodes: 2, ...options })
  const { client } = cluster
  for (const { name } of cluster.machines) {
    const body = { metadata: { annotations: { 'coxswain/node-folders': '/var/lib/kubelet/volumes' } } }
    await client.patch('v1', 'Node', { name }, { type: 'merge', body })
  }
  const claimIs = (name: string, phase: string) =>
    cluster.until(`${name} is ${phase}`, async () => (await cluster.get('v1', 'PersistentVolumeClaim', name)).status.phase === phase)
  const volumeIs = (name: string, phase: string) =>
    cluster.until(`${name} is ${phase}`, async () => (await client.get('v1', 'PersistentVolume', { name })).status.phase === phase)
  const isGone = (v: 'PersistentVolume' | 'PersistentVolumeClaim', name: string) =>
    cluster.until(`${name} is gone`, () =>
      client.get('v1', v, v === 'PersistentVolume' ? { name } : named(name)).then(
        () => false,
        (error) => hasReason(error, 'NotFound'),
      ),
    )
  const select = (name: string, node: string) =>
    client.patch('v1', 'PersistentVolumeClaim', named(name), { type: 'merge', body: { metadata: { annotations: { [SELECTED]: node } } } })
  return { ...cluster, claimIs, volumeIs, isGone, select }
}

test('a claim finds the smallest volume that fits, both say so, and Retain keeps what it leaves', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  await client.create('v1', 'PersistentVolumeClaim', claim('data'))
  await cluster.claimIs('data', 'Pending')
  await client.create('v1', 'PersistentVolume', volume('large', { capacity: { storage: '9Gi' } }))
  await client.create('v1', 'PersistentVolume', volume('small', { capacity: { storage: '512Mi' } }))
  await cluster.claimIs('data', 'Bound')
  await cluster.volumeIs('large', 'Bound')
  await cluster.volumeIs('small', 'Available')
  const { spec, status } = await cluster.get('v1', 'PersistentVolumeClaim', 'data')
  assert.deepEqual([spec.volumeName, status.capacity, status.accessModes], ['large', { storage: '9Gi' }, ['ReadWriteOnce']])
  await client.delete('v1', 'PersistentVolumeClaim', named('data'))
  await cluster.isGone('PersistentVolumeClaim', 'data')
  await cluster.volumeIs('large', 'Released')
  // The next claim of that name is another claim: the data is not its.
  await client.create('v1', 'PersistentVolumeClaim', claim('data'))
  await cluster.watchFor(
    20_000,
    async () => assert.equal((await cluster.get('v1', 'PersistentVolumeClaim', 'data')).status.phase, 'Pending'),
    2_000,
  )
  await cluster.volumeIs('large', 'Released')
})

test('a class has a folder made on the selected node; deleted, it waits until the node has removed the folder', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  const made = await client.create('v1', 'PersistentVolumeClaim', claim('data', { storageClassName: 'standard' }))
  await cluster.until('it waits for a pod', async () =>
    (await cluster.eventMessages('WaitForFirstConsumer')).includes('waiting for first consumer to be created before binding'),
  )
  await cluster.select('data', 'node-2')
  await cluster.claimIs('data', 'Bound')
  const name = `pvc-${made.metadata.uid}`
  const provisioned = await client.get('v1', 'PersistentVolume', { name })
  assert.equal(provisioned.spec.local?.path, `/var/lib/kubelet/volumes/${name}`)
  // As the kubelet does once the folder is there.
  const finalizers = [...(provisioned.metadata.finalizers ?? []), FOLDER]
  await client.patch('v1', 'PersistentVolume', { name }, { type: 'merge', body: { metadata: { finalizers } } })
  await client.delete('v1', 'PersistentVolumeClaim', named('data'))
  await cluster.isGone('PersistentVolumeClaim', 'data')
  await cluster.until('only the node holds it', async () => {
    const { metadata } = await client.get('v1', 'PersistentVolume', { name })
    return metadata.deletionTimestamp !== undefined && metadata.finalizers?.join() === FOLDER
  })
  await client.delete('v1', 'Node', { name: 'node-2' })
  await cluster.isGone('PersistentVolume', name)
})

test('a volume is kept when its policy says so, though the volume itself is deleted', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  const { metadata } = await client.create('v1', 'PersistentVolumeClaim', claim('data', { storageClassName: 'standard' }))
  await cluster.select('data', 'node-1')
  await cluster.claimIs('data', 'Bound')
  const name = `pvc-${metadata.uid}`
  const body = { metadata: { finalizers: ['kubernetes.io/pv-protection', FOLDER] }, spec: { persistentVolumeReclaimPolicy: 'Retain' } }
  await client.patch('v1', 'PersistentVolume', { name }, { type: 'merge', body })
  await client.delete('v1', 'PersistentVolumeClaim', named('data'))
  await cluster.volumeIs(name, 'Released')
  assert.equal((await client.get('v1', 'PersistentVolume', { name })).metadata.deletionTimestamp, undefined)
  await client.delete('v1', 'PersistentVolume', { name })
  await cluster.isGone('PersistentVolume', name)
})

test('a claim stays while a pod with a node uses it, a volume while a claim is bound to it', async (context) => {
  const cluster = await start(context, { scheduler: false })
  const { client } = cluster
  await client.create('v1', 'PersistentVolume', volume('disk'))
  await client.create('v1', 'PersistentVolumeClaim', claim('data'))
  await cluster.claimIs('data', 'Bound')
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  await client.create('v1', 'Pod', pod('user', { volumes, nodeName: 'node-1' }))
  await client.delete('v1', 'PersistentVolume', { name: 'disk' })
  await client.delete('v1', 'PersistentVolumeClaim', named('data'))
  await cluster.watchFor(
    5_000,
    async () => {
      assert.equal((await client.get('v1', 'PersistentVolume', { name: 'disk' })).status.phase, 'Bound')
      assert.equal((await cluster.get('v1', 'PersistentVolumeClaim', 'data')).status.phase, 'Bound')
    },
    500,
  )
  await client.delete('v1', 'Pod', named('user'), { gracePeriodSeconds: 0 })
  await cluster.isGone('PersistentVolumeClaim', 'data')
  await cluster.isGone('PersistentVolume', 'disk')
})

test('a deleted volume leaves its claim lost, with the warning that people look for', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  await client.create('v1', 'PersistentVolume', volume('disk'))
  await client.create('v1', 'PersistentVolumeClaim', claim('data'))
  await cluster.claimIs('data', 'Bound')
  await client.delete('v1', 'PersistentVolume', { name: 'disk' })
  await client.patch('v1', 'PersistentVolume', { name: 'disk' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await cluster.claimIs('data', 'Lost')
  assert.deepEqual(await cluster.eventMessages('ClaimLost'), ['Bound claim has lost its PersistentVolume. Data on the volume is lost!'])
})

test("an ephemeral volume has a claim of its own that goes with the pod; a stranger's claim is not taken for it", async (context) => {
  const cluster = await start(context, { scheduler: false })
  const { client } = cluster
  const { spec } = claim('x', { storageClassName: 'standard' })
  const scratch = { name: 'scratch', ephemeral: { volumeClaimTemplate: { metadata: { labels: { for: 'web' } }, spec } } }
  const owner = await client.create('v1', 'Pod', pod('web', { volumes: [scratch] }))
  await cluster.until('the claim is made', async () => (await cluster.find('v1', 'PersistentVolumeClaim', 'web-scratch')) !== undefined)
  const { metadata } = await cluster.get('v1', 'PersistentVolumeClaim', 'web-scratch')
  assert.deepEqual([metadata.labels, metadata.ownerReferences?.[0]?.uid], [{ for: 'web' }, owner.metadata.uid])
  await client.delete('v1', 'Pod', named('web'), { gracePeriodSeconds: 0 })
  await cluster.isGone('PersistentVolumeClaim', 'web-scratch')
  await client.create('v1', 'PersistentVolumeClaim', claim('two-scratch'))
  await client.create('v1', 'Pod', pod('two', { volumes: [scratch] }))
  await cluster.until('it is told', async () =>
    (await cluster.eventMessages('ClaimCreationFailed')).some((message) => message.endsWith('(pod is not owner)')),
  )
})

test('a bound claim of a growing class grows; its volume first', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  await client.create('v1', 'PersistentVolumeClaim', claim('data', { storageClassName: 'standard' }))
  await cluster.select('data', 'node-1')
  await cluster.claimIs('data', 'Bound')
  const body = { spec: { resources: { requests: { storage: '3Gi' } } } }
  await client.patch('v1', 'PersistentVolumeClaim', named('data'), { type: 'merge', body })
  await cluster.until(
    'it has grown',
    async () => (await cluster.get('v1', 'PersistentVolumeClaim', 'data')).status.capacity?.['storage'] === '3Gi',
  )
  const [grown] = await cluster.list('v1', 'PersistentVolume', undefined)
  assert.deepEqual(grown?.spec.capacity, { storage: '3Gi' })
  const { status } = await cluster.get('v1', 'PersistentVolumeClaim', 'data')
  assert.deepEqual(
    [status.allocatedResources, status.allocatedResourceStatuses, status.conditions],
    [{ storage: '3Gi' }, undefined, undefined],
  )
  await cluster.until('it is told', async () =>
    (await cluster.eventMessages('VolumeResizeSuccessful')).includes('ExpandVolume succeeded for volume default/data'),
  )
})

test('a local disk grows at its node: until then the claim says what it waits for; a file server is not ours to enlarge', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  const handmade = { provisioner: 'kubernetes.io/no-provisioner', allowVolumeExpansion: true }
  await client.create('storage.k8s.io/v1', 'StorageClass', { metadata: { name: 'disks' }, ...handmade })
  const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'Exists' }] }] }
  const kinds = { disk: { local: { path: '/dev/sdx' }, nodeAffinity: { required } }, served: { nfs: { server: 'files', path: '/a' } } }
  for (const [name, source] of Object.entries(kinds)) {
    const own = { storageClassName: 'disks', volumeName: name }
    await client.create('v1', 'PersistentVolume', volume(name, { hostPath: undefined, storageClassName: 'disks', ...source }))
    await client.create('v1', 'PersistentVolumeClaim', claim(name, own))
    await cluster.claimIs(name, 'Bound')
    const body = { spec: { resources: { requests: { storage: '2Gi' } } } }
    await client.patch('v1', 'PersistentVolumeClaim', named(name), { type: 'merge', body })
  }
  await cluster.until('the node is asked', async () => {
    const { status } = await cluster.get('v1', 'PersistentVolumeClaim', 'disk')
    return status.allocatedResourceStatuses?.['storage'] === 'NodeResizePending'
  })
  const { status } = await cluster.get('v1', 'PersistentVolumeClaim', 'disk')
  assert.deepEqual(status.capacity, { storage: '1Gi' })
  assert.deepEqual(
    status.conditions?.map(({ type }) => type),
    ['FileSystemResizePending'],
  )
  assert.deepEqual((await client.get('v1', 'PersistentVolume', { name: 'disk' })).spec.capacity, { storage: '2Gi' })
  await cluster.until('it is told', async () => (await cluster.eventMessages('ExternalExpanding')).length > 0)
  assert.deepEqual((await client.get('v1', 'PersistentVolume', { name: 'served' })).spec.capacity, { storage: '1Gi' })
})

test('two controller managers, one claim: the binder that comes later finds it done', async (context) => {
  const cluster = await start(context, { controllers: [] })
  const { client } = cluster
  const settings = { ...cluster.controllerSettings, controllers: ['persistentvolume-binder'] }
  for (let copy = 0; copy < 2; copy++) await cluster.add(await createControllerManager(settings, cluster.tools))
  for (const name of ['a', 'b', 'c']) await client.create('v1', 'PersistentVolume', volume(name))
  for (const name of ['one', 'two', 'three']) await client.create('v1', 'PersistentVolumeClaim', claim(name))
  for (const name of ['one', 'two', 'three']) await cluster.claimIs(name, 'Bound')
  const claims = await cluster.list('v1', 'PersistentVolumeClaim')
  assert.equal(new Set(claims.map(({ spec }) => spec.volumeName)).size, 3)
  assert.ok(!(await cluster.list('v1', 'PersistentVolume', undefined)).some(({ status }) => status.phase !== 'Bound'))
})

const user = (name: string, claimName: string) => pod(name, { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
const nodeOf = (made: ObjectOf<'v1', 'Pod'>) => made.spec.nodeName

test('a pod brings its waiting claim to its node: the volume is made there before the pod is bound', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  await client.create('v1', 'Pod', user('web', 'data'))
  await cluster.until('it is told', async () =>
    (await cluster.eventMessages('FailedScheduling')).includes('0/2 nodes are available: persistentvolumeclaim "data" not found.'),
  )
  await client.create('v1', 'PersistentVolumeClaim', claim('data', { storageClassName: 'standard' }))
  await cluster.until('it runs', async () => (await cluster.get('v1', 'Pod', 'web')).status.phase === 'Running')
  const node = nodeOf(await cluster.get('v1', 'Pod', 'web'))
  const [made] = await cluster.list('v1', 'PersistentVolume', undefined)
  assert.deepEqual(made?.spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values, [node])
  // The next pod goes where the data is.
  await client.delete('v1', 'Pod', named('web'), { gracePeriodSeconds: 0 })
  for (const name of ['second', 'third']) await client.create('v1', 'Pod', user(name, 'data'))
  await cluster.until('both run', async () => (await cluster.pods()).every(({ status }) => status.phase === 'Running'))
  assert.deepEqual([...new Set((await cluster.pods()).map(nodeOf))], [node])
  await client.patch('v1', 'Node', { name: node ?? '' }, { type: 'merge', body: { spec: { unschedulable: true } } })
  await client.create('v1', 'Pod', user('late', 'data'))
  const why = '0/2 nodes are available: 1 node(s) had volume node affinity conflict, 1 node(s) were unschedulable.'
  await cluster.until('the other node is no help', async () =>
    (await cluster.eventMessages('FailedScheduling')).some((message) => message.startsWith(why)),
  )
})

test('pods that come together share out the volumes that people made, one each', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  const metadata = { name: 'disks' }
  await client.create('storage.k8s.io/v1', 'StorageClass', {
    ...{ metadata, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' },
  })
  const names = ['a', 'b', 'c', 'd']
  for (const [index, name] of names.entries()) {
    const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [`node-${(index % 2) + 1}`] }] }]
    const nodeAffinity = { required: { nodeSelectorTerms: terms } }
    await client.create(
      'v1',
      'PersistentVolume',
      volume(name, { hostPath: undefined, local: { path: '/disk' }, nodeAffinity, storageClassName: 'disks' }),
    )
    await client.create('v1', 'PersistentVolumeClaim', claim(`claim-${name}`, { storageClassName: 'disks' }))
  }
  await Promise.all(names.map((name) => client.create('v1', 'Pod', user(name, `claim-${name}`))))
  await cluster.until('all run', async () => (await cluster.pods()).every(({ status }) => status.phase === 'Running'))
  const claims = await cluster.list('v1', 'PersistentVolumeClaim')
  assert.deepEqual(claims.map(({ spec }) => spec.volumeName).sort(), names)
})

test('a pod that waits for a provisioner nobody runs holds up no other, and can be deleted', async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  await client.create('storage.k8s.io/v1', 'StorageClass', {
    ...{ metadata: { name: 'far' }, provisioner: 'example.com/far', volumeBindingMode: 'WaitForFirstConsumer' },
  })
  await client.create('v1', 'PersistentVolumeClaim', claim('data', { storageClassName: 'far' }))
  await client.create('v1', 'Pod', user('stuck', 'data'))
  await cluster.until('the provisioner is called', async () =>
    (await cluster.eventMessages('ExternalProvisioning')).some((message) => message.includes("external provisioner 'example.com/far'")),
  )
  await client.create('v1', 'Pod', pod('free'))
  await cluster.until('the other runs', async () => (await cluster.get('v1', 'Pod', 'free')).status.phase === 'Running')
  assert.equal(nodeOf(await cluster.get('v1', 'Pod', 'stuck')), undefined)
  await client.delete('v1', 'Pod', named('stuck'))
  await cluster.until('gone', async () => (await cluster.pods()).length === 1)
  await cluster.until('it stops waiting', async () =>
    (await cluster.eventMessages('FailedScheduling')).includes('running PreBind plugin "VolumeBinding": the pod was deleted'),
  )
})

test('a class of attributes stays while a claim names it', async (context) => {
  const cluster = await start(context, { nodes: 0 })
  const { client } = cluster
  const attributes = { metadata: { name: 'fast' }, driverName: 'csi.example.com', parameters: { iops: '9' } }
  await client.create('storage.k8s.io/v1', 'VolumeAttributesClass', attributes)
  await client.create('v1', 'PersistentVolumeClaim', claim('data', { volumeAttributesClassName: 'fast' }))
  await client.delete('storage.k8s.io/v1', 'VolumeAttributesClass', { name: 'fast' })
  const classes = async () => (await client.list('storage.k8s.io/v1', 'VolumeAttributesClass')).items
  await cluster.watchFor(5_000, async () => assert.equal((await classes()).length, 1), 500)
  await client.delete('v1', 'PersistentVolumeClaim', named('data'))
  await cluster.until('gone', async () => (await classes()).length === 0)
})

for (const fault of ['lost', 'answer lost'] as const) {
  test(`a binder whose every other write is ${fault} binds, provisions and reclaims all the same, nothing twice`, async (context) => {
    const cluster = await start(context, { controllers: [] })
    const { client } = cluster
    let writes = 0
    const tools = withFaults(cluster.tools, cluster.transportOf('controller-manager'), ({ method, path }) => {
      const isOurs = method !== 'GET' && /persistentvolume(s|claims)(\/|$)/.test(path)
      return isOurs && writes++ % 2 === 0 ? fault : undefined
    })
    const controllers = ['persistentvolume-binder', 'pvc-protection', 'pv-protection', 'ephemeral-volume', 'garbage-collector']
    await cluster.add(await createControllerManager({ ...cluster.controllerSettings, controllers }, tools))
    await client.create('v1', 'PersistentVolume', volume('disk'))
    await client.create('v1', 'PersistentVolumeClaim', claim('by-hand'))
    await client.create('v1', 'PersistentVolumeClaim', claim('made', { storageClassName: 'standard' }))
    await cluster.select('made', 'node-1')
    await cluster.claimIs('by-hand', 'Bound')
    await cluster.claimIs('made', 'Bound')
    await cluster.volumeIs('disk', 'Bound')
    assert.equal((await cluster.list('v1', 'PersistentVolume', undefined)).length, 2)
    for (const name of ['by-hand', 'made']) await client.delete('v1', 'PersistentVolumeClaim', named(name))
    await cluster.until('one is kept, the other gone', async () => {
      const left = await cluster.list('v1', 'PersistentVolume', undefined)
      return left.length === 1 && left[0]?.metadata.name === 'disk' && left[0].status.phase === 'Released'
    })
    assert.ok(writes > 8, `${writes} writes`)
  })
}
