import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'
import { simulateKubelet } from '../harness/simulated-kubelet.ts'
import { deployment, pod, service } from '../harness/workloads.ts'

type Ending = { after(action: () => Promise<void>): void }

async function clusterOf(t: Ending, nodes: string[], settings = {}) {
  const cluster = await startCluster({ controllers: ['*'], scheduler: true, controllerSettings: settings })
  t.after(() => cluster.stop())
  await cluster.clock.advance(100)
  const kubelets = new Map<string, Awaited<ReturnType<typeof simulateKubelet>>>()
  for (const name of nodes) kubelets.set(name, await simulateKubelet(cluster.client, name, cluster.tools))
  t.after(async () => {
    for (const kubelet of kubelets.values()) kubelet.kill()
  })
  await cluster.clock.advance(2_000)
  return { cluster, kubelets }
}

const nodeOf = ({ client }: InProcessCluster, name: string): Promise<Node> => client.get('v1', 'Node', { name })
const ready = (node: Node) => node.status.conditions?.find(({ type }) => type === 'Ready')?.status
const taints = (node: Node) =>
  (node.spec.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).sort()
const podsOf = async ({ client }: InProcessCluster): Promise<Pod[]> => (await client.list('v1', 'Pod', { namespace: 'default' })).items
const isReady = (one: Pod) => one.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
const backends = async ({ client }: InProcessCluster) =>
  (
    await client.list('discovery.k8s.io/v1', 'EndpointSlice', { namespace: 'default', labelSelector: 'kubernetes.io/service-name=web' })
  ).items
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready)
    .map((endpoint) => endpoint.nodeName)

test('a lost host: not ready after its grace, out of Services at once, evicted after the tolerated time, replaced elsewhere', async (t) => {
  const { cluster, kubelets } = await clusterOf(t, ['node-1', 'node-2', 'node-3'])
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 6))
  await cluster.client.create('v1', 'Service', service('web'))
  await cluster.clock.advance(5_000)
  const there = (await podsOf(cluster)).filter((one) => one.spec.nodeName === 'node-1')
  assert.equal(there.length, 2)
  kubelets.get('node-1')?.kill()

  await cluster.clock.advance(35_000)
  assert.equal(ready(await nodeOf(cluster, 'node-1')), 'True', 'within the grace period nothing happens')
  await cluster.clock.advance(25_000)
  const lost = await nodeOf(cluster, 'node-1')
  assert.equal(ready(lost), 'Unknown')
  assert.equal(lost.status.conditions?.find(({ type }) => type === 'Ready')?.reason, 'NodeStatusUnknown')
  assert.deepEqual(taints(lost), ['unreachable:NoExecute', 'unreachable:NoSchedule'])
  assert.ok(!(await backends(cluster)).includes('node-1'), 'no Service routes there')
  assert.equal((await podsOf(cluster)).length, 6, 'the pods may still run: nobody is evicted yet')

  await cluster.clock.advance(305_000)
  const after = await podsOf(cluster)
  assert.equal(after.filter(isReady).filter((one) => one.spec.nodeName !== 'node-1').length, 6)
  assert.equal(after.filter((one) => one.metadata.deletionTimestamp !== undefined).length, 2, 'their end can only be confirmed by the host')

  const back = await simulateKubelet(cluster.client, 'node-1', cluster.tools)
  t.after(async () => back.kill())
  await cluster.clock.advance(15_000)
  assert.equal(ready(await nodeOf(cluster, 'node-1')), 'True')
  assert.deepEqual(taints(await nodeOf(cluster, 'node-1')), [])
  assert.equal((await podsOf(cluster)).length, 6)
})

test('shortened times are obeyed, and a pod that tolerates for ever stays', async (t) => {
  const { cluster, kubelets } = await clusterOf(t, ['node-1', 'node-2'], { nodeMonitorGracePeriod: 8_000 })
  const tolerations = [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' }]
  await cluster.client.create('v1', 'Pod', pod('loyal', { nodeName: 'node-1', tolerations }))
  const brief = [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }]
  await cluster.client.create('v1', 'Pod', pod('brief', { nodeName: 'node-1', tolerations: brief }))
  await cluster.clock.advance(3_000)
  kubelets.get('node-1')?.kill()
  await cluster.clock.advance(30_000)
  const deleted = (await podsOf(cluster)).filter((one) => one.metadata.deletionTimestamp !== undefined)
  assert.deepEqual(
    deleted.map((one) => one.metadata.name),
    ['brief'],
  )
  await cluster.clock.advance(600_000)
  assert.equal((await cluster.client.get('v1', 'Pod', { namespace: 'default', name: 'loyal' })).metadata.deletionTimestamp, undefined)
})

test('a host that comes back in time keeps its pods', async (t) => {
  const { cluster, kubelets } = await clusterOf(t, ['node-1', 'node-2'])
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 4))
  await cluster.clock.advance(5_000)
  const before = (await podsOf(cluster)).map((one) => one.metadata.uid).sort()
  kubelets.get('node-1')?.kill()
  await cluster.clock.advance(120_000)
  assert.equal(ready(await nodeOf(cluster, 'node-1')), 'Unknown')
  const back = await simulateKubelet(cluster.client, 'node-1', cluster.tools)
  t.after(async () => back.kill())
  await cluster.clock.advance(400_000)
  assert.deepEqual((await podsOf(cluster)).map((one) => one.metadata.uid).sort(), before)
  assert.equal((await podsOf(cluster)).filter(isReady).length, 4)
})

test('a NoExecute taint put by hand evicts those who do not tolerate it', async (t) => {
  const { cluster } = await clusterOf(t, ['node-1', 'node-2'])
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 4))
  await cluster.clock.advance(5_000)
  const taint = { key: 'maintenance', effect: 'NoExecute' }
  await cluster.client.patch('v1', 'Node', { name: 'node-1' }, { type: 'merge', body: { spec: { taints: [taint] } } })
  await cluster.clock.advance(10_000)
  const pods = await podsOf(cluster)
  assert.deepEqual([pods.length, pods.filter((one) => one.spec.nodeName === 'node-2' && isReady(one)).length], [4, 4])
})

test('a deleted Node takes the pods that nobody can end any more', async (t) => {
  const { cluster, kubelets } = await clusterOf(t, ['node-1', 'node-2'])
  await cluster.client.create('apps/v1', 'Deployment', deployment('web', 4))
  await cluster.clock.advance(5_000)
  kubelets.get('node-1')?.kill()
  await cluster.client.delete('v1', 'Node', { name: 'node-1' })
  await cluster.clock.advance(120_000)
  const pods = await podsOf(cluster)
  assert.deepEqual([pods.length, new Set(pods.map((one) => one.spec.nodeName))], [4, new Set(['node-2'])])
})

test('each node gets a range of addresses of its own, for as long as it exists', async (t) => {
  const { cluster } = await clusterOf(t, ['node-1', 'node-2', 'node-3'])
  const ranges = (await cluster.client.list('v1', 'Node')).items.map((node) => node.spec.podCIDR)
  assert.deepEqual(ranges.sort(), ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24'])
  const freed = (await nodeOf(cluster, 'node-2')).spec.podCIDR
  await cluster.client.delete('v1', 'Node', { name: 'node-2' })
  await cluster.clock.advance(1_000)
  const next = await simulateKubelet(cluster.client, 'node-4', cluster.tools)
  t.after(async () => next.kill())
  await cluster.clock.advance(1_000)
  assert.equal((await nodeOf(cluster, 'node-4')).spec.podCIDR, freed)
})
