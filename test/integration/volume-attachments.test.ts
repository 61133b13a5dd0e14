import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import type { Transport, TransportRequest } from '../../shared/client/transport.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { attachedVolumeName, attachmentName } from '../../shared/volumes/attachments.ts'
import { laggingTransport, withFaults } from '../../simulation/faults/faulty-transport.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { pod } from '../harness/workloads.ts'

const STORAGE = 'storage.k8s.io/v1'
const DRIVER = 'disks.example.com'
const MINUTE = 60_000
const attachmentOf = (name: string, node: string, driver = DRIVER) => attachmentName({ driver, handle: name }, node)
const calledInStatus = (name: string) => attachedVolumeName({ driver: DRIVER, handle: name })

/** A cluster with the controllers of volumes; attacher and the node's own word about its volumes are the test. */
async function start(context: TestContext, others = ['persistentvolume-attach-detach']) {
  const controllers = [...others, 'persistentvolume-binder', 'node-lifecycle', 'node-ipam', 'serviceaccount']
  const cluster = await startSimulatedCluster(context, { nodes: 2, controllers, scheduler: false })
  const { client } = cluster
  const attachments = async () => (await client.list(STORAGE, 'VolumeAttachment')).items.filter(({ spec }) => spec.attacher !== 'else')
  const named = async (name: string) => (await attachments()).find(({ metadata }) => metadata.name === name)
  const node = (name: string) => client.get('v1', 'Node', { name })
  const attached = async (name: string) => ((await node(name)).status.volumesAttached ?? []).map((one) => one.name)
  return {
    ...cluster,
    attachments,
    attached,
    async disk(name: string, accessModes = ['ReadWriteOnce'], driver = DRIVER, volumeHandle = name) {
      const common = { accessModes, storageClassName: '' }
      const csi = { driver, volumeHandle }
      await client.create('v1', 'PersistentVolume', { metadata: { name }, spec: { ...common, capacity: { storage: '1Gi' }, csi } })
      const resources = { requests: { storage: '1Gi' } }
      const spec = { ...common, volumeName: name, resources }
      await client.create('v1', 'PersistentVolumeClaim', { metadata: { namespace: 'default', name }, spec })
      await cluster.until(`${name} is bound`, async () => (await cluster.get('v1', 'PersistentVolumeClaim', name)).status.phase === 'Bound')
    },
    async use(name: string, nodeName: string, claimName: string) {
      const volumes = [{ name: 'data', persistentVolumeClaim: { claimName } }]
      const made = pod(name, { nodeName, volumes })
      await client.create('v1', 'Pod', made)
    },
    remove: (name: string) => client.delete('v1', 'Pod', { namespace: 'default', name }, { gracePeriodSeconds: 0 }),
    exists: (name: string) => cluster.until(`${name} is asked for`, async () => (await named(name)) !== undefined),
    isGone: (name: string, within?: number) => cluster.until(`${name} is gone`, async () => (await named(name)) === undefined, within),
    /** As an attacher does. */
    async attach(name: string, status: object = { attached: true }) {
      const found = await client.get(STORAGE, 'VolumeAttachment', { name })
      await client.updateStatus(STORAGE, 'VolumeAttachment', { ...found, status: { attached: false, ...status } })
    },
    isAttached: (name: string, on: string) =>
      cluster.until(`${on} has ${name}`, async () => (await attached(on)).includes(calledInStatus(name))),
    say: (name: string, status: Partial<Node['status']>) =>
      client.patch('v1', 'Node', { name }, { type: 'merge', subresource: 'status', body: { status } }),
  }
}

test('a volume is attached for its pods, said in the status of the node, and detached when the node has let go of it', async (context) => {
  const cluster = await start(context)
  await cluster.disk('data')
  const name = attachmentOf('data', 'node-1')
  await cluster.use('one', 'node-1', 'data')
  await cluster.use('two', 'node-1', 'data')
  await cluster.exists(name)
  const [made] = await cluster.attachments()
  assert.deepEqual(made?.spec, { attacher: DRIVER, nodeName: 'node-1', source: { persistentVolumeName: 'data' } })
  assert.deepEqual(await cluster.attached('node-1'), [])
  await cluster.attach(name)
  await cluster.isAttached('data', 'node-1')
  await cluster.until('both pods are told', async () => (await cluster.eventMessages('SuccessfulAttachVolume')).length === 2)
  assert.equal((await cluster.eventMessages('SuccessfulAttachVolume'))[0], 'AttachVolume.Attach succeeded for volume "data" ')

  await cluster.say('node-1', { volumesInUse: [calledInStatus('data')] })
  await cluster.remove('one')
  await cluster.watchFor(2_000, async () => assert.equal((await cluster.attachments()).length, 1), 500)
  await cluster.remove('two')
  // Ready and unmounting for as long as it takes.
  await cluster.watchFor(8 * MINUTE, async () => assert.equal((await cluster.attachments()).length, 1), MINUTE)
  await cluster.say('node-1', { volumesInUse: [] })
  await cluster.isGone(name)
  assert.deepEqual(await cluster.attached('node-1'), [])
})

test('one node at a time has a volume that is for one; the other is told who has it, and gets it then', async (context) => {
  const cluster = await start(context)
  await cluster.disk('data')
  await cluster.disk('many', ['ReadWriteMany'])
  // At once: the controller has not seen its own attachment when it looks at the other node.
  await Promise.all([cluster.use('first', 'node-1', 'data'), cluster.use('second', 'node-2', 'data')])
  for (const node of ['node-1', 'node-2']) await cluster.use(`many-${node}`, node, 'many')
  for (const node of ['node-1', 'node-2']) await cluster.exists(attachmentOf('many', node))
  await cluster.until('one was refused', async () => (await cluster.eventMessages('FailedAttachVolume')).length > 0)
  const holders = (await cluster.attachments()).filter(({ spec }) => spec.source.persistentVolumeName === 'data')
  assert.equal(holders.length, 1)
  const isFirst = holders[0]?.spec.nodeName === 'node-1'
  const [holder, waiter, winner, next] = isFirst ? ['first', 'second', 'node-1', 'node-2'] : ['second', 'first', 'node-2', 'node-1']
  const told = (await cluster.list('v1', 'Event')).find(({ reason }) => reason === 'FailedAttachVolume')
  assert.equal(told?.message, `Multi-Attach error for volume "data" Volume is already used by pod(s) ${holder}`)
  assert.deepEqual([told?.involvedObject.name, told?.type], [waiter, 'Warning'])
  await cluster.watchFor(5_000, async () => assert.equal((await cluster.attachments()).length, 3), 1_000)
  await cluster.remove(holder ?? '')
  await cluster.isGone(attachmentOf('data', winner ?? ''))
  await cluster.exists(attachmentOf('data', next ?? ''))
})

test('a node that is not ready is believed dead after six minutes, one that is out of service at once', async (context) => {
  const cluster = await start(context)
  await cluster.disk('data')
  for (const [nodeName, volume] of [
    ['node-1', 'data'],
    ['node-2', 'other'],
  ] as const) {
    if (volume === 'other') await cluster.disk(volume)
    await cluster.use(`on-${nodeName}`, nodeName, volume)
    await cluster.exists(attachmentOf(volume, nodeName))
    await cluster.attach(attachmentOf(volume, nodeName))
    await cluster.isAttached(volume, nodeName)
    await cluster.say(nodeName, { volumesInUse: [calledInStatus(volume)] })
    await cluster.machine(nodeName).kill()
  }
  await cluster.until('both are lost', async () => {
    const nodes = await cluster.list('v1', 'Node')
    return nodes.every(({ status }) => status.conditions?.some(({ type, status: is }) => type === 'Ready' && is !== 'True'))
  })
  const taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' as const }]
  await cluster.remove('on-node-1')
  await cluster.remove('on-node-2')
  await cluster.watchFor(5 * MINUTE, async () => assert.equal((await cluster.attachments()).length, 2), MINUTE)
  await cluster.client.patch('v1', 'Node', { name: 'node-2' }, { type: 'strategic', body: { spec: { taints } } })
  await cluster.isGone(attachmentOf('other', 'node-2'), 5_000)
  assert.equal((await cluster.attachments()).length, 1)
  await cluster.isGone(attachmentOf('data', 'node-1'), 2 * MINUTE)
})

test("what attachers cannot do pods are told; drivers that attach nothing and other people's attachments are left alone", async (context) => {
  const cluster = await start(context)
  const { client } = cluster
  await client.create(STORAGE, 'CSIDriver', { metadata: { name: 'files.example.com' }, spec: { attachRequired: false } })
  await cluster.disk('files', ['ReadWriteOnce'], 'files.example.com')
  await cluster.disk('data')
  const source = { persistentVolumeName: 'data' }
  await client.create(STORAGE, 'VolumeAttachment', { metadata: { name: 'mine' }, spec: { attacher: DRIVER, nodeName: 'node-2', source } })
  await cluster.use('reader', 'node-1', 'files')
  await cluster.use('writer', 'node-1', 'data')
  await cluster.exists(attachmentOf('data', 'node-1'))
  await cluster.attach(attachmentOf('data', 'node-1'), { attachError: { message: 'disk quota', time: '2026-01-01T00:00:00Z' } })
  await cluster.until('the pod is told', async () =>
    (await cluster.eventMessages('FailedAttachVolume')).includes('AttachVolume.Attach failed for volume "data" : disk quota'),
  )
  await cluster.watchFor(5_000, async () => assert.equal((await cluster.attachments()).length, 2), 1_000)
  assert.equal((await cluster.eventMessages('FailedAttachVolume')).length, 1)
})

test('two copies and a new leader attach once and detach nothing that is used', async (context) => {
  const cluster = await start(context)
  await cluster.disk('data')
  const settings = { ...cluster.controllerSettings, controllers: ['persistentvolume-attach-detach'], leaderElect: false }
  const second = await createControllerManager(settings, cluster.tools)
  await second.start()
  context.after(() => second.stop())
  const name = attachmentOf('data', 'node-1')
  await cluster.use('one', 'node-1', 'data')
  await cluster.exists(name)
  await cluster.attach(name)
  await cluster.isAttached('data', 'node-1')
  const third = await createControllerManager(settings, cluster.tools)
  await third.start()
  context.after(() => third.stop())
  const uid = (await cluster.attachments())[0]?.metadata.uid
  await cluster.watchFor(
    10_000,
    async () =>
      assert.deepEqual(
        (await cluster.attachments()).map(({ metadata }) => metadata.uid),
        [uid],
      ),
    1_000,
  )
  await cluster.remove('one')
  await cluster.isGone(name)
})

for (const fault of ['lost', 'answer lost'] as const) {
  test(`a volume that is for one is on one node also when every other write is ${fault}`, async (context) => {
    const cluster = await start(context, [])
    await cluster.disk('data')
    let writes = 0
    const tools = withFaults(cluster.tools, cluster.transportOf('controller-manager'), ({ method, path }) => {
      const isOurs = method !== 'GET' && /volumeattachments|nodes\/node-.\/status/.test(path)
      return isOurs && writes++ % 2 === 0 ? fault : undefined
    })
    const settings = { ...cluster.controllerSettings, controllers: ['persistentvolume-attach-detach'] }
    await cluster.add(await createControllerManager(settings, tools))
    await Promise.all([cluster.use('first', 'node-1', 'data'), cluster.use('second', 'node-2', 'data')])
    for (const round of [1, 2, 3]) {
      await cluster.until(`somebody has it, ${round}`, async () => {
        const holders = (await cluster.attachments()).filter(({ metadata }) => !metadata.deletionTimestamp)
        assert.ok(holders.length <= 1, `${holders.length} nodes have it`)
        return holders.length === 1
      })
      const [holder] = await cluster.attachments()
      const nodeName = holder?.spec.nodeName ?? ''
      await cluster.attach(attachmentOf('data', nodeName))
      await cluster.isAttached('data', nodeName)
      const name = nodeName === 'node-1' ? 'first' : 'second'
      await cluster.remove(name)
      await cluster.isGone(attachmentOf('data', nodeName))
      await cluster.use(name, nodeName, 'data')
    }
    assert.ok(writes >= 6)
  })
}

test('what was asked for counts before it is seen: a cache that stands still, and an answer that is lost', async (context) => {
  const cluster = await start(context, [])
  await cluster.disk('data')
  let isBlind = false
  let asked = 0
  const tools = withFaults(cluster.tools, cluster.transportOf('controller-manager'), ({ method, path }) => {
    if (method === 'POST' && path.includes('/volumeattachments')) return asked++ === 0 ? 'answer lost' : undefined
    if (method !== 'GET' || !/\/volumeattachments(\?|$)/.test(path)) return undefined
    if (isBlind) return 'lost'
    isBlind = true
    return undefined
  })
  const settings = { ...cluster.controllerSettings, controllers: ['persistentvolume-attach-detach'] }
  await cluster.add(await createControllerManager(settings, tools))
  await cluster.use('first', 'node-1', 'data')
  await cluster.use('second', 'node-2', 'data')
  await cluster.watchFor(20_000, async () => assert.ok((await cluster.attachments()).length <= 1), 500)
  assert.equal((await cluster.attachments()).length, 1)
  const messages = await cluster.eventMessages('FailedAttachVolume')
  assert.ok(messages.some((message) => message.startsWith('Multi-Attach error for volume "data"')))
  assert.ok(!messages.some((message) => message.includes('already exists')), messages.join('\n'))
})

test('two PersistentVolumes with one handle are one volume: one node at a time, and who has it is told', async (context) => {
  const cluster = await start(context)
  await cluster.disk('data')
  await cluster.disk('again', ['ReadWriteOnce'], DRIVER, 'data')
  await cluster.use('first', 'node-1', 'data')
  await cluster.exists(attachmentOf('data', 'node-1'))
  await cluster.use('second', 'node-2', 'again')
  await cluster.until('the second is refused', async () => (await cluster.eventMessages('FailedAttachVolume')).length > 0)
  const told = 'Multi-Attach error for volume "again" Volume is already used by pod(s) first'
  assert.deepEqual(await cluster.eventMessages('FailedAttachVolume'), [told])
  assert.equal((await cluster.attachments()).length, 1)
  await cluster.remove('first')
  await cluster.isGone(attachmentOf('data', 'node-1'))
  await cluster.exists(attachmentOf('data', 'node-2'))
})

test('of two leaders at once, one of which knows nothing of the other, one gives the volume away', async (context) => {
  const cluster = await start(context, [])
  await cluster.disk('data')
  await cluster.use('second', 'node-2', 'data')
  const leader = async (transport: Parameters<typeof withFaults>[1], fault: Parameters<typeof withFaults>[2]) => {
    const settings = { ...cluster.controllerSettings, controllers: ['persistentvolume-attach-detach'], leaderElect: false }
    await cluster.add(await createControllerManager(settings, withFaults(cluster.tools, transport, fault)))
  }
  // What it saw at its start is all that it ever sees, and what it wants it may ask only later.
  let [mayAsk, isBlind] = [false, false]
  const answers: number[] = []
  const isAsking = ({ method, path }: TransportRequest) => method === 'POST' && path.includes('/volumeattachments')
  const inner = laggingTransport(cluster.transportOf('controller-manager'), cluster.clock, () => (isBlind ? 60 * MINUTE : 0))
  const heard: Transport = {
    ...inner,
    async send(request) {
      const answer = await inner.send(request)
      if (isAsking(request)) answers.push(answer.status)
      return answer
    },
  }
  await leader(heard, (request) => (isAsking(request) && !mayAsk ? 'lost' : undefined))
  await cluster.until('the first one wants it', async () => (await cluster.eventMessages('FailedAttachVolume')).length > 0)
  isBlind = true
  await cluster.remove('second')
  await cluster.use('first', 'node-1', 'data')
  await leader(cluster.transportOf('controller-manager'), () => undefined)
  await cluster.exists(attachmentOf('data', 'node-1'))
  mayAsk = true
  await cluster.until('the first one is answered twice', () => answers.length >= 2)
  assert.deepEqual(new Set(answers), new Set([409]))
  assert.equal((await cluster.attachments()).length, 1)
})
