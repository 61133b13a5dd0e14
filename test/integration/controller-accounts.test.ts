import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import type { TransportRequest } from '../../shared/client/transport.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { withFaults } from '../../simulation/faults/faulty-transport.ts'
import { startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { deployment } from '../harness/workloads.ts'

const RBAC = 'rbac.authorization.k8s.io/v1'
const account = (name: string) => ({ namespace: 'kube-system', name })
const HOUR = 3_600_000

test('each controller writes as its own account: without its role it does nothing, and the others go on', async (t) => {
  const cluster = await startSimulatedCluster(t)
  const { client } = cluster
  const name = 'system:controller:replicaset-controller'
  const binding = await client.get(RBAC, 'ClusterRoleBinding', { name })
  await client.delete(RBAC, 'ClusterRoleBinding', { name })
  await client.create('apps/v1', 'Deployment', deployment('web', 2))
  await cluster.until('the Deployment makes its set', async () => (await cluster.list('apps/v1', 'ReplicaSet')).length === 1)
  await cluster.watchFor(5_000, async () => assert.equal((await cluster.pods()).length, 0))
  const { resourceVersion: _, uid: __, ...metadata } = binding.metadata
  await client.create(RBAC, 'ClusterRoleBinding', { metadata, roleRef: binding.roleRef, subjects: binding.subjects ?? [] })
  await cluster.until('the set makes its pods', async () => (await cluster.pods()).length === 2)
})

test('an account that is deleted is made again, and its old token opens nothing', async (t) => {
  const cluster = await startSimulatedCluster(t)
  const { client } = cluster
  await client.create('apps/v1', 'Deployment', deployment('web', 1))
  await cluster.until('a pod', async () => (await cluster.pods()).length === 1)
  const before = await client.get('v1', 'ServiceAccount', account('replicaset-controller'))
  await client.delete('v1', 'ServiceAccount', account('replicaset-controller'))
  await client.patch('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { replicas: 3 } } })
  await cluster.until('three pods', async () => (await cluster.pods()).length === 3)
  const after = await client.get('v1', 'ServiceAccount', account('replicaset-controller'))
  assert.notEqual(after.metadata.uid, before.metadata.uid)
})

test('tokens are asked for once an account and hour, and not once a write; a restarted server takes the old ones', async (t) => {
  const cluster = await startSimulatedCluster(t, { controllers: [], scheduler: false, nodes: 0 })
  const { client, clock } = cluster
  const requests: TransportRequest[] = []
  const tools = withFaults(cluster.tools, cluster.transportOf('controller-manager'), (request) => {
    requests.push(request)
    return undefined
  })
  const controllers = ['deployment', 'replicaset', 'serviceaccount']
  await cluster.add(await createControllerManager({ ...cluster.controllerSettings, controllers }, tools))
  const tokens = () => requests.filter(({ path }) => path.endsWith('/token')).map(({ path }) => path.split('/').at(-2))
  const scale = async (replicas: number) => {
    await client.patch('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { replicas } } })
    await cluster.until(`${replicas} pods`, async () => (await cluster.pods()).length === replicas)
  }
  const writers = ['deployment-controller', 'replicaset-controller']
  await client.create('apps/v1', 'Deployment', deployment('web', 1))
  for (const replicas of [1, 4, 8]) await scale(replicas)
  const first = tokens()
  // The first request of each finds no account, the second gets the token.
  for (const writer of writers) assert.equal(first.filter((each) => each === writer).length, 2, writer)
  const writes = requests.filter(({ method, path }) => method !== 'GET' && !path.includes('/serviceaccounts'))
  assert.ok(writes.length > 15)
  for (const { path, headers } of writes) assert.ok(headers['authorization'], path)

  requests.length = 0
  await clock.advance(0.85 * HOUR)
  await scale(9)
  for (const writer of writers) assert.equal(tokens().filter((each) => each === writer).length, 1, 'renewed before the end')
  requests.length = 0
  await clock.advance(3 * HOUR)
  await scale(10)
  for (const writer of writers) assert.equal(tokens().filter((each) => each === writer).length, 1, 'an expired one is replaced')

  requests.length = 0
  await cluster.restartApi()
  await scale(11)
  assert.deepEqual(tokens(), [])
})

test('nothing that the control plane does is forbidden, from the first node to the end of a namespace', async (t) => {
  const refusals: string[] = []
  const log = listening((message, fields) => {
    const text = `${message} ${String(fields?.['error'] ?? '')}`
    if (/forbidden|cannot (get|list|watch|create|update|patch|delete)/i.test(text) && !/being terminated/.test(text)) refusals.push(text)
  })
  const cluster = await startSimulatedCluster(t, { log, controllerSettings: { nodeMonitorGracePeriod: 10_000, nodeMonitorPeriod: 2_000 } })
  const { client, clock } = cluster
  const allPods = async () => (await client.list('v1', 'Pod')).items
  await client.create('v1', 'Namespace', { metadata: { name: 'team' } })
  await cluster.until('the namespace has its account', async () => (await cluster.list('v1', 'ServiceAccount', 'team')).length > 0)
  for (const namespace of ['default', 'team']) {
    const web = deployment('web', 3)
    await client.create('apps/v1', 'Deployment', { ...web, metadata: { ...web.metadata, namespace } })
    const service = { selector: web.spec?.template?.metadata?.labels as Record<string, string>, ports: [{ port: 80 }] }
    await client.create('v1', 'Service', { metadata: { name: 'web', namespace }, spec: service })
  }
  const isRunning = ({ status }: { status: { phase?: string | undefined } }) => status.phase === 'Running'
  await cluster.until('pods run', async () => (await allPods()).filter(isRunning).length === 6)
  await client.patch('apps/v1', 'Deployment', { namespace: 'team', name: 'web' }, { type: 'merge', body: { spec: { replicas: 5 } } })
  await cluster.machine('node-3').kill('silence')
  await clock.advance(30_000)
  await client.delete('v1', 'Node', { name: 'node-3' })
  await client.delete('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { propagationPolicy: 'Foreground' })
  await client.delete('v1', 'Namespace', { name: 'team' })
  await cluster.until('the namespace is gone', async () => !(await cluster.find('v1', 'Namespace', 'team')), 120_000)
  await cluster.until('the pods are gone', async () => (await allPods()).length === 0, 120_000)
  assert.deepEqual(refusals, [])
  assert.ok((await cluster.eventMessages('ScalingReplicaSet')).length > 0, 'Events are written')
  const accounts = (await cluster.list('v1', 'ServiceAccount', 'kube-system')).map(({ metadata }) => metadata.name)
  for (const name of [
    'deployment-controller',
    'namespace-controller',
    'generic-garbage-collector',
    'node-controller',
    'endpointslice-controller',
  ])
    assert.ok(accounts.includes(name), name)
})

/** A log that somebody listens to, whatever its level. */
function listening(heard: (message: string, fields: Record<string, unknown> | undefined) => void): Logger {
  const log: Logger = { debug: heard, info: heard, warn: heard, error: heard, child: () => log }
  return log
}
