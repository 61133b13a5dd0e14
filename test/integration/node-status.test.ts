import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Observation } from '../../kubelet/node/node-report.ts'
import { nodeStatusLoop } from '../../kubelet/node/node-status.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'

const observation: Observation = {
  capacity: { cpuMillis: 1500, memoryBytes: 2 ** 31, storageBytes: 2 ** 34 },
  reserved: { cpuMillis: 0, memoryBytes: 100 * 2 ** 20, storageBytes: 0 },
  maxPods: 110,
  addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
  port: 10250,
  info: {
    ...{ machineID: 'm', systemUUID: 's', bootID: 'b', kernelVersion: '6', osImage: 'Debian', containerRuntimeVersion: 'docker://20' },
    ...{ kubeletVersion: 'v1.36.0', kubeProxyVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
  },
  pressure: new Set(),
  problems: [],
  images: [],
}
const self = { name: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] }

/** A node whose kubelet reports every ten seconds. */
async function reportingNode(t: TestContext): Promise<InProcessCluster> {
  const cluster = await startCluster()
  const stopped = new AbortController()
  const { clock } = cluster
  await settled(cluster, cluster.client.create('v1', 'Node', { metadata: { name: 'a' } }))
  const tools = { client: cluster.clientOf(self), clock, log: silentLogger(), nodeName: 'a' }
  const running = nodeStatusLoop({ ...tools, observe: async () => observation, current: () => undefined }).run(stopped.signal)
  t.after(async () => {
    stopped.abort(new Error('stop'))
    await running
    await cluster.stop()
  })
  await clock.advance(1_000)
  return cluster
}

async function settled<T>({ clock }: InProcessCluster, work: Promise<T>): Promise<T> {
  await clock.settle()
  return work
}

const node = (cluster: InProcessCluster) => settled(cluster, cluster.client.get('v1', 'Node', { name: 'a' }))

test('an extended resource comes and goes with the capacity, and then the node is quiet', async (t) => {
  const cluster = await reportingNode(t)
  const name = 'example.com/dongle'
  const capacity = (amount: string | null) =>
    settled(
      cluster,
      cluster.client.patch(
        'v1',
        'Node',
        { name: 'a' },
        { type: 'merge', subresource: 'status', body: { status: { capacity: { [name]: amount } } } },
      ),
    )
  await capacity('4')
  await cluster.clock.advance(20_000)
  assert.equal((await node(cluster)).status.allocatable?.[name], '4')
  await capacity(null)
  await cluster.clock.advance(20_000)
  const { metadata, status } = await node(cluster)
  assert.deepEqual([status.capacity?.[name], status.allocatable?.[name]], [undefined, undefined])
  await cluster.clock.advance(60_000)
  assert.equal((await node(cluster)).metadata.resourceVersion, metadata.resourceVersion, 'nothing is written while nothing changes')
})
