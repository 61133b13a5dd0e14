import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Draft, ObjectOf } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { pod, podTemplate } from '../harness/workloads.ts'

type Owner = ObjectOf<'v1', 'ReplicationController'>

const withReplicas = (context: TestContext) => startSimulatedCluster(context, { nodes: 2 })

const web = { namespace: 'default', name: 'web' }

/** As people write it: no selector, it is taken from the template. */
function replicationController(replicas: number, spec: Draft<Owner>['spec'] = {}): Draft<Owner> {
  return { metadata: { ...web }, spec: { replicas, template: podTemplate('web'), ...spec } }
}

test('a ReplicationController takes selector and labels from its template, and keeps its pods', async (context) => {
  const cluster = await withReplicas(context)
  const made = await cluster.client.create('v1', 'ReplicationController', replicationController(3))
  assert.deepEqual([made.spec.selector, made.metadata.labels], [{ app: 'web' }, { app: 'web' }])
  const status = async () => (await cluster.get('v1', 'ReplicationController', 'web')).status
  await cluster.until('three ready', async () => (await status()).readyReplicas === 3)
  assert.deepEqual(await status(), {
    ...{ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 },
  })
  const [first] = await cluster.list('v1', 'Pod')
  assert.equal(first?.metadata.ownerReferences?.[0]?.kind, 'ReplicationController')
  await cluster.client.delete('v1', 'Pod', { namespace: 'default', name: first?.metadata.name ?? '' })
  await cluster.until('replaced', async () => {
    const pods = await cluster.list('v1', 'Pod')
    return pods.length === 3 && !pods.some(({ metadata }) => metadata.uid === first?.metadata.uid)
  })
  const scale = { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: web, spec: { replicas: 1 } }
  await cluster.client.request('PUT', '/api/v1/namespaces/default/replicationcontrollers/web/scale', { body: scale })
  await cluster.until('scaled', async () => (await cluster.list('v1', 'Pod')).length === 1)
  const answer = await cluster.client.request('GET', '/api/v1/namespaces/default/replicationcontrollers/web/scale')
  assert.equal((answer as { status: { selector: string } }).status.selector, 'app=web')
})

test('it adopts what its selector matches and lets go of what it matches no more; the selector may change', async (context) => {
  const cluster = await withReplicas(context)
  const orphan = await cluster.client.create('v1', 'Pod', pod('web'))
  await cluster.until('the orphan runs', async () => (await cluster.get('v1', 'Pod', 'web')).status.phase === 'Running')
  const owner = await cluster.client.create('v1', 'ReplicationController', replicationController(1))
  const ownerOf = async (name: string) => (await cluster.get('v1', 'Pod', name)).metadata.ownerReferences?.[0]?.uid
  await cluster.until('adopted', async () => (await ownerOf('web')) === owner.metadata.uid)
  assert.equal((await cluster.list('v1', 'Pod')).length, 1, 'none was made beside it')
  const relabel = { type: 'merge' as const, body: { metadata: { labels: { app: 'other' } } } }
  await cluster.client.patch('v1', 'Pod', { namespace: 'default', name: orphan.metadata.name ?? '' }, relabel)
  await cluster.until(
    'let go and replaced',
    async () => (await ownerOf('web')) === undefined && (await cluster.list('v1', 'Pod')).length === 2,
  )
  const labels = { app: 'web', tier: 'front' }
  const changed = { spec: { selector: labels, template: { metadata: { labels } } } }
  await cluster.client.patch('v1', 'ReplicationController', web, { type: 'merge', body: changed })
  await cluster.until('a pod of the new labels', async () =>
    (await cluster.list('v1', 'Pod')).some(({ metadata }) => metadata.labels?.['tier']),
  )
})

test('deleted without a word about its pods it leaves them; asked to, it takes them along', async (context) => {
  const cluster = await withReplicas(context)
  const remove = (propagationPolicy?: 'Background') => cluster.client.delete('v1', 'ReplicationController', web, { propagationPolicy })
  const isGone = () =>
    cluster.client.get('v1', 'ReplicationController', web).then(
      () => false,
      (error) => hasReason(error, 'NotFound'),
    )
  await cluster.client.create('v1', 'ReplicationController', replicationController(2))
  await cluster.until('two', async () => (await cluster.get('v1', 'ReplicationController', 'web')).status.readyReplicas === 2)
  await remove()
  await cluster.until('gone', isGone)
  await cluster.clock.advance(30_000)
  const left = await cluster.list('v1', 'Pod')
  assert.deepEqual(
    left.map(({ metadata }) => metadata.ownerReferences ?? []),
    [[], []],
  )
  await cluster.client.create('v1', 'ReplicationController', replicationController(2))
  await cluster.until('adopted', async () => (await cluster.list('v1', 'Pod')).every(({ metadata }) => metadata.ownerReferences?.length))
  await remove('Background')
  await cluster.until('all gone', async () => (await isGone()) && (await cluster.list('v1', 'Pod')).length === 0)
})

test('what no ReplicationController can be is refused by field', async (context) => {
  const cluster = await withReplicas(context)
  const cases: [Draft<Owner>['spec'], string][] = [
    [{ template: undefined, selector: { app: 'web' } }, 'spec.template: Required value'],
    [{ template: { ...podTemplate('web'), metadata: {} } }, 'spec.selector: Required value'],
    [{ selector: { app: 'other' } }, 'spec.template.metadata.labels: Invalid value'],
    [{ replicas: -1 }, 'spec.replicas: Invalid value: -1'],
    [
      { template: { ...podTemplate('web'), spec: { ...podTemplate('web').spec, restartPolicy: 'Never' } } },
      'restartPolicy: Unsupported value',
    ],
  ]
  for (const [spec, words] of cases) {
    await assert.rejects(cluster.client.create('v1', 'ReplicationController', replicationController(1, spec)), (error: Error) => {
      assert.ok(hasReason(error, 'Invalid') && error.message.includes(words), error.message)
      return true
    })
  }
})
