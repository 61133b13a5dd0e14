import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { settings } from '../../controller-manager/config.ts'
import { createControllerManager } from '../../controller-manager/create-controller-manager.ts'
import { LeadershipLost } from '../../shared/controller/leadership.ts'
import { readConfig } from '../../shared/process/config.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'
import { deployment } from '../harness/workloads.ts'

async function addManager(cluster: InProcessCluster) {
  const defaults = readConfig({ name: 'controller-manager', summary: '' }, settings, { args: ['--health-port=0'], env: {} })
  const files = { rootCaFile: join('/nowhere', 'ca.crt') }
  const controllers = ['deployment', 'replicaset', 'serviceaccount', 'node-lifecycle']
  const before = cluster.connections.length
  const service = await createControllerManager({ ...defaults, ...files, controllers }, cluster.tools)
  const state = { ended: undefined as unknown, service }
  service.ended?.catch((error: unknown) => (state.ended = error))
  await cluster.add(service)
  const connection = cluster.connections[before]
  assert.ok(connection, 'a manager connects once')
  return { state, connection }
}

const holder = async ({ client }: InProcessCluster) =>
  (await client.get('coordination.k8s.io/v1', 'Lease', { namespace: 'kube-system', name: 'kube-controller-manager' })).spec
    .holderIdentity ?? ''
const pods = async ({ client }: InProcessCluster) => (await client.list('v1', 'Pod', { namespace: 'default' })).items.length

test('of two controller managers one works; when it is cut off it stops before the other begins, and no pod is made twice', async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  const { clock, client } = cluster
  const first = await addManager(cluster)
  await clock.advance(1_000)
  const second = await addManager(cluster)
  await clock.advance(5_000)
  const leader = await holder(cluster)
  await client.create('apps/v1', 'Deployment', deployment('web', 3))
  await clock.advance(2_000)
  assert.equal(await pods(cluster), 3)

  first.connection.cut(true)
  await client.patch('apps/v1', 'Deployment', { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec: { replicas: 5 } } })
  await clock.advance(12_500)
  assert.ok(first.state.ended instanceof LeadershipLost, 'it could not renew and gave up')
  assert.equal(await holder(cluster), leader, 'the lease itself has not run out')
  assert.equal(await pods(cluster), 3, 'nobody works now')
  await clock.advance(10_000)
  assert.notEqual(await holder(cluster), leader)
  assert.equal(await pods(cluster), 5)
  assert.equal(second.state.ended, undefined)
})

test('a manager that is stopped hands over at once', async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  const { clock } = cluster
  const first = await addManager(cluster)
  await clock.advance(1_000)
  await addManager(cluster)
  await clock.advance(5_000)
  const leader = await holder(cluster)
  const stopped = first.state.service.stop()
  await clock.advance(100)
  await stopped
  assert.equal(await holder(cluster), '')
  await clock.advance(2_500)
  assert.notEqual(await holder(cluster), leader)
  assert.notEqual(await holder(cluster), '')
})
