import assert from 'node:assert/strict'
import test from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import type { TransportRequest } from '../../shared/client/transport.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { laggingTransport, withFaults } from '../../simulation/faults/faulty-transport.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { startApi } from '../harness/api.ts'
import { configMap, deployment, pod } from '../harness/bodies.ts'

const paths = { quotas: '/api/v1/namespaces/default/resourcequotas', maps: '/api/v1/namespaces/default/configmaps' }

/** A quota as the controller leaves it. */
async function countedQuota(api: Awaited<ReturnType<typeof startApi>>, name: string, hard: object, used: object): Promise<void> {
  const made = await api.request('POST', paths.quotas, { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec: { hard } })
  assert.equal(made.status, 201)
  const counted = await api.request('PUT', `${paths.quotas}/${name}/status`, { ...made.json, status: { hard, used } })
  assert.equal(counted.status, 200, counted.text)
}

const usedOf = async (api: Awaited<ReturnType<typeof startApi>>, name: string) =>
  (await api.client().get('v1', 'ResourceQuota', { namespace: 'default', name })).status.used

test('of hundreds of objects created at once exactly as many as the quota allows come to be', async (context) => {
  const api = await startApi({}, context)
  await countedQuota(api, 'ten', { 'count/configmaps': '10', configmaps: '1k' }, { 'count/configmaps': '0', configmaps: '0' })
  const answers = await Promise.all(Array.from({ length: 300 }, (_, index) => api.request('POST', paths.maps, configMap(`map-${index}`))))
  const codes = answers.map(({ status }) => status)
  assert.equal(codes.filter((code) => code === 201).length, 10)
  assert.equal(codes.filter((code) => code === 403).length, 290)
  const names = (await api.client().list('v1', 'ConfigMap', { namespace: 'default' })).items.filter(({ metadata }) =>
    /^map-/.test(metadata.name!),
  )
  assert.equal(names.length, 10)
  assert.deepEqual(await usedOf(api, 'ten'), { 'count/configmaps': '10', configmaps: '10' })
})

test('what a failed write was charged is given back: by every quota, and whatever refused it', async (context) => {
  const api = await startApi({}, context)
  await countedQuota(api, 'a-roomy', { configmaps: '5' }, { configmaps: '0' })
  await countedQuota(api, 'b-full', { 'count/configmaps': '1' }, { 'count/configmaps': '0' })
  assert.equal((await api.request('POST', paths.maps, configMap('one'))).status, 201)
  const refused = await api.request('POST', paths.maps, configMap('two'))
  assert.equal(refused.status, 403)
  assert.match(
    String(refused.json['message']),
    /exceeded quota: b-full, requested: count\/configmaps=1, used: count\/configmaps=1, limited: count\/configmaps=1/,
  )
  assert.equal((await api.request('DELETE', `${paths.quotas}/b-full`)).status, 200)
  const twice = await Promise.all([1, 2, 3].map(() => api.request('POST', paths.maps, configMap('same'))))
  assert.deepEqual(twice.map(({ status }) => status).sort(), [201, 409, 409])
  assert.deepEqual(await usedOf(api, 'a-roomy'), { configmaps: '2' })
})

test('a quota gets its usage, gives back what was deleted, and follows its limits', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  const { client } = cluster
  const used = async () => (await cluster.get('v1', 'ResourceQuota', 'few')).status.used ?? {}
  await client.create('v1', 'ConfigMap', { metadata: { name: 'before' } }, { namespace: 'default' })
  const hard = { pods: '2', 'requests.cpu': '1', 'count/deployments.apps': '1', configmaps: '9' }
  await client.create('v1', 'ResourceQuota', { metadata: { name: 'few' }, spec: { hard } }, { namespace: 'default' })
  await cluster.until('the quota was counted', async () => (await used())['pods'] === '0')
  assert.equal((await used())['configmaps'], '2', 'the root certificate, and the one that was there before')
  const create = (name: string) => {
    const { metadata, spec } = pod(name, { containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu: '400m' } } }] })
    return client.create('v1', 'Pod', { metadata, spec }, { namespace: 'default' })
  }
  await create('one')
  await create('two')
  assert.deepEqual([(await used())['pods'], (await used())['requests.cpu']], ['2', '800m'])
  await assert.rejects(create('three'), (error) => hasReason(error, 'Forbidden'))
  await client.delete('v1', 'Pod', { namespace: 'default', name: 'one' })
  await cluster.until('the deleted pod is given back', async () => (await used())['pods'] === '1')
  await create('three')
  await client.create(
    'apps/v1',
    'Deployment',
    { metadata: { name: 'web' }, spec: { ...deployment('web').spec, replicas: 0 } },
    { namespace: 'default' },
  )
  assert.equal((await used())['count/deployments.apps'], '1')
  await client.delete('apps/v1', 'Deployment', { namespace: 'default', name: 'web' })
  await cluster.until('the deleted deployment is given back', async () => (await used())['count/deployments.apps'] === '0')
  const quota = await cluster.get('v1', 'ResourceQuota', 'few')
  await client.update('v1', 'ResourceQuota', { ...quota, spec: { hard: { pods: '7' } } })
  await cluster.until(
    'the new limits hold',
    async () => JSON.stringify((await cluster.get('v1', 'ResourceQuota', 'few')).status) === '{"hard":{"pods":"7"},"used":{"pods":"2"}}',
  )
})

test('a charge whose object never came to be is found by the next count', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  const { client } = cluster
  await client.create('v1', 'ResourceQuota', { metadata: { name: 'q' }, spec: { hard: { pods: '5' } } }, { namespace: 'default' })
  const quota = () => cluster.get('v1', 'ResourceQuota', 'q')
  await cluster.until('the quota was counted', async () => (await quota()).status.used?.['pods'] === '0')
  const present = await quota()
  await client.updateStatus('v1', 'ResourceQuota', { ...present, status: { ...present.status, used: { pods: '5' } } })
  await cluster.until('the lost charge is gone', async () => (await quota()).status.used?.['pods'] === '0', 10_000)
})

test('what was counted before its cache knew of an object is put right when it does', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 0, controllers: [] })
  const { client, clock } = cluster
  const inner = cluster.transportOf('controller-manager')
  // What the watch of deployments says is late by more than any count waits.
  const late = laggingTransport(inner, clock, () => 20_000)
  const partly = {
    send: (request: TransportRequest) => (request.path.startsWith('/apis/apps/v1/deployments') ? late : inner).send(request),
    close: () => inner.close(),
  }
  const settings = { ...cluster.controllerSettings, controllers: ['resourcequota'], leaderElect: false }
  await cluster.add(
    await createControllerManager(
      settings,
      withFaults(cluster.tools, partly, () => undefined),
    ),
  )
  const hard = { 'count/deployments.apps': '5' }
  await client.create('v1', 'ResourceQuota', { metadata: { name: 'few' }, spec: { hard } }, { namespace: 'default' })
  const used = async () => (await cluster.get('v1', 'ResourceQuota', 'few')).status.used?.['count/deployments.apps']
  await cluster.until('the quota was counted', async () => (await used()) === '0')
  await client.create('apps/v1', 'Deployment', { metadata: { name: 'web' }, spec: deployment('web').spec }, { namespace: 'default' })
  assert.equal(await used(), '1', 'it was charged')
  await cluster.until('it is counted without what is late', async () => (await used()) === '0', 15_000)
  await cluster.until('it is counted again when that has come', async () => (await used()) === '1', 30_000)
})

test('a ReplicaSet that a quota stops says so, and goes on when there is room', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 1 })
  const { client } = cluster
  await client.create('v1', 'ResourceQuota', { metadata: { name: 'two' }, spec: { hard: { pods: '2' } } }, { namespace: 'default' })
  await cluster.until('the quota was counted', async () => (await cluster.get('v1', 'ResourceQuota', 'two')).status.used?.['pods'] === '0')
  await client.create(
    'apps/v1',
    'Deployment',
    { metadata: { name: 'web' }, spec: { ...deployment('web').spec, replicas: 4 } },
    { namespace: 'default' },
  )
  await cluster.until('the set tells of the failure', async () =>
    (await cluster.list('apps/v1', 'ReplicaSet')).some(({ status }) =>
      status.conditions?.some(
        ({ type, reason, message }) => type === 'ReplicaFailure' && reason === 'FailedCreate' && /exceeded quota: two/.test(message ?? ''),
      ),
    ),
  )
  assert.equal((await cluster.pods()).length, 2)
  await client.delete('v1', 'ResourceQuota', { namespace: 'default', name: 'two' })
  await cluster.until('all pods are there', async () => (await cluster.pods()).length === 4, 400_000, 1_000)
})
