import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { isMirrorPod } from '../../kubelet/pods/pod-kinds.ts'
import type { ManifestSource } from '../../kubelet/static-pods/manifest-source.ts'
import { staticPod } from '../../kubelet/static-pods/static-pod.ts'
import { staticPods } from '../../kubelet/static-pods/static-pods.ts'
import { silentRecorder } from '../../shared/client/event-recorder.ts'
import { lateClient } from '../../shared/client/late-client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { startCluster } from '../../simulation/cluster.ts'
import { simulatedNode } from '../harness/simulated-node.ts'

/** Manifests that a test changes by hand. */
function handwritten() {
  let pods: readonly Pod[] = []
  let tell: (pods: readonly Pod[]) => void = () => {}
  const source: ManifestSource = {
    follow(found, signal) {
      tell = found
      found(pods)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    },
  }
  return {
    source,
    write(...values: object[]) {
      pods = values.map((value) => staticPod(structuredClone(value), { kind: 'file', name: 'm' }, 'n1', 0))
      tell(pods)
    },
  }
}

const manifest = (image = 'app:1', spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default' } },
  spec: { containers: [{ name: 'main', image }], ...spec },
})
const nodeUser = { name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }
const where = { namespace: 'default', name: 'web-n1' }

/** The real API server with its rules about nodes, and a simulated one that acts as itself. */
async function bench(context: TestContext) {
  const cluster = await startCluster()
  context.after(() => cluster.stop())
  const { client, clock, tools } = cluster
  const manifests = handwritten()
  const lifetime = new AbortController()
  context.after(() => lifetime.abort(new Error('over')))
  let late = lateClient(lifetime.signal)
  const boot = (runtime: object = {}) =>
    simulatedNode({
      ...{ name: 'n1', client: late.client, tools, events: silentRecorder(), runtime },
      statics: staticPods([manifests.source], silentLogger()),
    })
  let node = boot()
  const starting: Promise<void>[] = [node.start().catch(() => undefined)]
  context.after(async () => {
    await node.stop()
    await Promise.all(starting)
  })
  return {
    ...{ client, clock, manifests },
    /** The node has its credentials from here on, and there is a Node. */
    async join() {
      await client.create('v1', 'ServiceAccount', { metadata: { name: 'default' } }, { namespace: 'default' })
      const addresses = [{ type: 'InternalIP', address: '192.0.2.7' }]
      await client.create('v1', 'Node', { metadata: { name: 'n1' }, status: { addresses } })
      late.connect(cluster.clientOf(nodeUser))
      await clock.settle()
    },
    /** The kubelet dies and comes back without an API server; what ran in the runtime went on. */
    async rebootAlone() {
      await node.stop()
      late = lateClient(lifetime.signal)
      node = boot({ state: node.state })
      starting.push(node.start().catch(() => undefined))
      await clock.settle()
    },
    reconnect: () => late.connect(cluster.clientOf(nodeUser)),
    mirror: () => client.get('v1', 'Pod', where),
    running: () => [...node.state.containers.values()].filter(({ status }) => status.state === 'running').map(({ status }) => status),
    mirrors: async () => (await client.list('v1', 'Pod')).items.filter(isMirrorPod),
  }
}

test('a static pod runs without an API server; when there is one, its mirror shows it, by the rights of a node', async (context) => {
  const { manifests, clock, running, join, mirror } = await bench(context)
  manifests.write(manifest())
  await clock.settle()
  assert.deepEqual(
    running().map(({ image }) => image),
    ['app:1'],
  )
  const [{ podUid } = { podUid: '' }] = running()

  await join()
  const { metadata, status } = await mirror()
  assert.equal(metadata.annotations?.['kubernetes.io/config.mirror'], podUid)
  assert.equal(metadata.annotations['kubernetes.io/config.source'], 'file')
  assert.equal(metadata.ownerReferences?.[0]?.kind, 'Node')
  assert.notEqual(metadata.uid, podUid)
  assert.equal(status.phase, 'Running')
  assert.equal(status.containerStatuses?.[0]?.ready, true)
  assert.equal(running().length, 1, 'the mirror is not run as well')
})

test('a deleted mirror comes back, and the pod never notices', async (context) => {
  const { manifests, clock, running, join, mirror, client } = await bench(context)
  manifests.write(manifest())
  await join()
  const [before] = running()
  const { uid } = (await mirror()).metadata
  await client.delete('v1', 'Pod', where)
  await clock.settle()
  const after = await mirror()
  assert.notEqual(after.metadata.uid, uid)
  assert.equal(after.metadata.deletionTimestamp, undefined)
  assert.equal(after.status.phase, 'Running', 'the new mirror has the status at once')
  await client.delete('v1', 'Pod', where, { gracePeriodSeconds: 0 })
  await clock.settle()
  assert.equal((await mirror()).status.phase, 'Running')
  assert.deepEqual(
    running().map(({ id }) => id),
    [before?.id],
  )
})

test('a changed manifest is another pod: the old one ends, the mirror is made anew', async (context) => {
  const { manifests, clock, running, join, mirror, mirrors } = await bench(context)
  manifests.write(manifest())
  await join()
  const old = (await mirror()).metadata
  manifests.write(manifest('app:2'))
  await clock.advance(60_000)
  assert.deepEqual(
    running().map(({ image }) => image),
    ['app:2'],
  )
  const { metadata, status } = await mirror()
  assert.notEqual(metadata.annotations?.['kubernetes.io/config.hash'], old.annotations?.['kubernetes.io/config.hash'])
  assert.equal(status.containerStatuses?.[0]?.image, 'app:2')
  assert.equal((await mirrors()).length, 1)
})

test('a manifest that goes takes its pod along, with the grace that the pod has, and then the mirror', async (context) => {
  const { manifests, clock, running, join, mirrors } = await bench(context)
  manifests.write(manifest())
  await join()
  manifests.write()
  await clock.advance(60_000)
  assert.deepEqual(running(), [])
  assert.deepEqual(await mirrors(), [])
})

test('a kubelet that comes back without an API server adopts its static pods, and finds their mirrors later', async (context) => {
  const { manifests, clock, running, join, mirror, rebootAlone, reconnect } = await bench(context)
  manifests.write(manifest())
  await join()
  const [before] = running()
  const shown = await mirror()
  await clock.advance(5_000)
  await rebootAlone()
  assert.deepEqual(
    running().map(({ id }) => id),
    [before?.id],
  )
  reconnect()
  await clock.advance(10_000)
  const after = await mirror()
  assert.equal(after.metadata.uid, shown.metadata.uid)
  assert.deepEqual(after.status, shown.status, 'not even a time has moved')
})

test('mirrors of nothing go: of a manifest that was removed while the kubelet was away, and those that somebody made up', async (context) => {
  const { manifests, clock, client, running, join, mirrors, rebootAlone, reconnect } = await bench(context)
  manifests.write(manifest())
  await join()
  await client.create(
    'v1',
    'Pod',
    {
      metadata: { name: 'fake', annotations: { 'kubernetes.io/config.mirror': 'x', 'kubernetes.io/config.source': 'file' } },
      spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'app:1' }] },
    },
    { namespace: 'default' },
  )
  await clock.settle()
  assert.deepEqual(
    (await mirrors()).map(({ metadata }) => metadata.name),
    ['web-n1'],
  )
  assert.equal(running().length, 1)
  manifests.write()
  await rebootAlone()
  reconnect()
  await clock.advance(60_000)
  assert.deepEqual(await mirrors(), [])
  assert.deepEqual(running(), [])
})

test('a pod of the API server that calls itself static is run as what it is', async (context) => {
  const { clock, client, running, join } = await bench(context)
  await join()
  const metadata = { name: 'claims', annotations: { 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.hash': 'x' } }
  await client.create(
    'v1',
    'Pod',
    { metadata, spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'app:1' }] } },
    { namespace: 'default' },
  )
  await clock.settle()
  assert.equal(running().length, 1)
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'claims' }, { gracePeriodSeconds: 1 })
  await clock.advance(5_000)
  assert.deepEqual(running(), [])
  await assert.rejects(client.get('v1', 'Pod', { namespace: 'default', name: 'claims' }), (error) => hasReason(error, 'NotFound'))
})
