/** A cluster in the Hetzner Cloud: the real API server and controllers in this process, the cloud's API in memory beside it. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { settings } from '../../cloud-controller-manager/config.ts'
import { createCloudControllerManager } from '../../cloud-controller-manager/create-cloud-controller-manager.ts'
import { keepNode } from '../../kubelet/node/node-keeper.ts'
import { registrationTaints } from '../../kubelet/node/node-settings.ts'
import { createInformers } from '../../shared/informer/shared-informers.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import { ConfigError, readConfig } from '../../shared/process/config.ts'
import { type SimulatedCluster, startSimulatedCluster } from '../../simulation/simulated-cluster.ts'
import { addressesOf, balanced } from '../harness/cloud.ts'
import { type CloudFault, HetznerCloud, type HetznerCloudOptions } from '../harness/hetzner-cloud.ts'

const SECOND = 1_000
const observation = {
  capacity: { cpuMillis: 1500, memoryBytes: 2 ** 31, storageBytes: 2 ** 34 },
  reserved: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 },
  ...{ maxPods: 110, port: 10_250, pressure: new Set<never>(), images: [], addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
  info: {
    ...{ machineID: 'm', systemUUID: 's', bootID: 'b', kernelVersion: '6', osImage: 'Debian', containerRuntimeVersion: 'docker://20' },
    ...{ kubeletVersion: 'v1.36.0', kubeProxyVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
  },
}
const TOKEN = 'secret-token'
const UNINITIALIZED = { key: 'node.cloudprovider.kubernetes.io/uninitialized', value: 'true', effect: 'NoSchedule' }

interface Story extends SimulatedCluster {
  readonly cloud: HetznerCloud
  /** Everything that the cloud controller manager logged. */
  readonly logged: string[]
  /** Starts one; its end is the answer. */
  startCloud(flags?: readonly string[]): Promise<() => Promise<void>>
  addNode(name: string): Promise<number>
  balancer(): Record<string, unknown>
}

async function inCloud(
  context: TestContext,
  options: Omit<HetznerCloudOptions, 'clock'> = {},
  flags: readonly string[] = [],
): Promise<Story> {
  const cluster = await startSimulatedCluster(context, { nodes: 0, scheduler: false, controllers: ['serviceaccount'] })
  const cloud = new HetznerCloud({ clock: cluster.clock, token: TOKEN, ...options })
  const logged: string[] = []
  const keep = (message: string, fields?: object) => void logged.push(`${message} ${text(fields)}`)
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log }
  const startCloud = async (more: readonly string[] = []) => {
    const args = ['--leader-elect=false', '--health-port=0', '--cloud-provider=hetzner', ...flags, ...more]
    const config = readConfig({ name: 'cloud-controller-manager', summary: '' }, settings, { args, env: { COXSWAIN_HETZNER_TOKEN: TOKEN } })
    const service = await createCloudControllerManager(config, { ...cluster.tools, log }, cloud)
    let stopped = false
    const stop = async () => {
      if (stopped) return
      stopped = true
      const ending = service.stop()
      await cluster.clock.advance(SECOND)
      await ending
    }
    context.after(stop)
    const starting = service.start()
    await cluster.clock.advance(SECOND)
    await starting
    return stop
  }
  return {
    ...cluster,
    ...{ cloud, logged, startCloud },
    async addNode(name) {
      const id = cloud.addServer(name)
      const spec = { taints: [UNINITIALIZED, { key: 'other', effect: 'NoSchedule' }] }
      await cluster.client.create('v1', 'Node', { metadata: { name }, spec })
      return id
    },
    balancer() {
      assert.equal(cloud.balancers.length, 1, JSON.stringify(cloud.balancers))
      return cloud.balancers[0]!
    },
  }
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, each) => (each instanceof Error ? `${each.stack} ${text(each.cause)}` : each)) ?? ''
}

const service = (cluster: Story, name = 'web') => cluster.get('v1', 'Service', name)
const served = (cluster: Story, name = 'web', within = 60 * SECOND) =>
  cluster.until('has an address', async () => addressesOf(await service(cluster, name)).length > 0, within, SECOND)
const portsOf = (balancer: Record<string, unknown>) =>
  (balancer['services'] as { listen_port: number; destination_port: number }[]).map((each) => [each.listen_port, each.destination_port])
const targetsOf = (balancer: Record<string, unknown>) =>
  (balancer['targets'] as { server: { id: number } }[]).map(({ server }) => server.id)

test('a new node gets what the cloud knows of it, and then loses the taint', async (context) => {
  const cluster = await inCloud(context)
  const id = await cluster.addNode('worker-1')
  await cluster.startCloud()
  await cluster.until(
    'initialised',
    async () => !(await cluster.get('v1', 'Node', 'worker-1')).spec.taints?.some(({ key }) => key === UNINITIALIZED.key),
  )
  const { metadata, spec, status } = await cluster.get('v1', 'Node', 'worker-1')
  assert.equal(spec.providerID, `hcloud://${id}`)
  assert.ok(
    spec.taints?.some(({ key }) => key === 'other'),
    'other taints stay',
  )
  assert.equal(metadata.labels?.['topology.kubernetes.io/region'], 'fsn1')
  assert.equal(metadata.labels?.['topology.kubernetes.io/zone'], 'fsn1-dc14')
  assert.equal(metadata.labels?.['node.kubernetes.io/instance-type'], 'cx22')
  assert.deepEqual(
    status.addresses?.map(({ type }) => type),
    ['Hostname', 'ExternalIP'],
  )
  cluster.cloud.changeServer(id, { public_net: { ipv4: { ip: '203.0.113.77' } } })
  await cluster.clock.advance(6 * 60 * SECOND)
  assert.equal((await cluster.get('v1', 'Node', 'worker-1')).status.addresses?.[1]?.address, '203.0.113.77', 'followed later')
})

test('a kubelet that leaves its machine to the cloud has its taint taken off, and does not take the cloud’s addresses away', async (context) => {
  const cluster = await inCloud(context)
  const { client, clock, tools } = cluster
  cluster.cloud.addServer('worker-1')
  const end = new AbortController()
  const { signal } = end
  const informers = createInformers({ client, ...tools })
  const nodes = informers.of('v1', 'Node', { fieldSelector: 'metadata.name=worker-1' })
  informers.start(signal)
  let problems = ['the network is not ready']
  const running = keepNode(
    {
      identity: {
        ...{ name: 'worker-1', architecture: 'amd64', labels: {}, unschedulable: false, volumeFolders: '/var/lib/kubelet/volumes' },
        taints: registrationTaints({ registerWithTaints: ['other:NoSchedule'], cloudProvider: 'external' }),
      },
      observe: async () => ({ ...observation, problems, keepsAddresses: true }),
      events: { record: () => {}, flush: async () => {} },
      ...{
        client,
        nodes,
        clock,
        log: tools.log,
        lookEvery: 10 * SECOND,
        reportEvery: 60 * SECOND,
        renewEvery: 10 * SECOND,
        leaseSeconds: 40,
      },
    },
    signal,
  ).catch(() => undefined)
  context.after(async () => {
    end.abort()
    await running
  })
  await clock.advance(5 * SECOND)
  const before = await cluster.get('v1', 'Node', 'worker-1')
  assert.deepEqual(before.status.addresses, observation.addresses)
  assert.ok(before.spec.taints?.some(({ key, effect }) => key === UNINITIALIZED.key && effect === 'NoSchedule'))
  await cluster.startCloud()
  await cluster.until(
    'initialised',
    async () => !(await cluster.get('v1', 'Node', 'worker-1')).spec.taints?.some(({ key }) => key === UNINITIALIZED.key),
  )
  problems = []
  await clock.advance(11 * SECOND)
  const { spec, status } = await cluster.get('v1', 'Node', 'worker-1')
  assert.equal(status.conditions?.find(({ type }) => type === 'Ready')?.status, 'True')
  assert.deepEqual(status.addresses?.map(({ type }) => type).sort(), ['ExternalIP', 'Hostname', 'InternalIP'])
  assert.ok(
    spec.taints?.some(({ key }) => key === 'other'),
    'its other taints stay',
  )
})

test('a node that is not ready: switched off is tainted, gone is deleted, and the taint goes when it is ready', async (context) => {
  const cluster = await inCloud(context)
  const ids = await Promise.all(['off', 'gone', 'foreign'].map((name) => cluster.addNode(name)))
  await cluster.startCloud()
  await cluster.clock.advance(5 * SECOND)
  const ready = (name: string, status: string) =>
    cluster.client.patch(
      'v1',
      'Node',
      { name },
      { type: 'strategic', subresource: 'status', body: { status: { conditions: [{ type: 'Ready', status }] } } },
    )
  const taints = async () => (await cluster.get('v1', 'Node', 'off')).spec.taints?.map(({ key }) => key)
  for (const name of ['off', 'gone']) await ready(name, 'Unknown')
  cluster.cloud.changeServer(ids[0]!, { status: 'off' })
  cluster.cloud.removeServer(ids[1]!)
  await cluster.until('deleted', async () => (await cluster.find('v1', 'Node', 'gone')) === undefined, 60 * SECOND, SECOND)
  await cluster.until('tainted', async () => (await taints())?.includes('node.cloudprovider.kubernetes.io/shutdown'), 60 * SECOND, SECOND)
  assert.ok(await cluster.find('v1', 'Node', 'foreign'))
  await ready('off', 'True')
  await cluster.until('clean', async () => !(await taints())?.includes('node.cloudprovider.kubernetes.io/shutdown'), 60 * SECOND, SECOND)
})

test('a Service gets a load balancer that follows it and the nodes, and that goes with it', async (context) => {
  const cluster = await inCloud(context, { actionMilliseconds: 2_000, listLag: 3_000 })
  const first = await cluster.addNode('worker-1')
  await cluster.startCloud()
  await cluster.client.create('v1', 'Service', balanced('web', { externalTrafficPolicy: 'Local' }))
  await served(cluster)
  const web = await service(cluster)
  const balancer = cluster.balancer()
  const [{ nodePort = 0 } = {}] = web.spec.ports ?? []
  assert.deepEqual(portsOf(balancer), [[80, nodePort]])
  assert.deepEqual(targetsOf(balancer), [first])
  const health = (balancer['services'] as { health_check: Record<string, unknown> }[])[0]?.health_check
  assert.equal(health?.['port'], web.spec.healthCheckNodePort)
  assert.deepEqual(
    (web.status.loadBalancer.ingress ?? []).map(({ ipMode }) => ipMode),
    ['VIP', 'VIP'],
  )

  const second = await cluster.addNode('worker-2')
  const ports = [
    { name: 'https', port: 443 },
    { name: 'http', port: 8080 },
  ]
  const patch = {
    type: 'merge' as const,
    body: { spec: { ports }, metadata: { annotations: { 'load-balancer.hetzner.cloud/algorithm-type': 'least_connections' } } },
  }
  await cluster.client.patch('v1', 'Service', { namespace: 'default', name: 'web' }, patch)
  await cluster.until(
    'follows',
    () => targetsOf(cluster.balancer()).length === 2 && portsOf(cluster.balancer()).length === 2,
    120 * SECOND,
    SECOND,
  )
  await cluster.clock.advance(30 * SECOND)
  assert.deepEqual(targetsOf(cluster.balancer()), [first, second])
  assert.deepEqual(
    portsOf(cluster.balancer()).map(([port]) => port),
    [443, 8080],
  )
  assert.deepEqual(cluster.balancer()['algorithm'], { type: 'least_connections' })
  assert.deepEqual(addressesOf(await service(cluster)), addressesOf(web))
  assert.deepEqual(await cluster.eventMessages('SyncLoadBalancerFailed'), [])

  const asked = cluster.cloud.requests.length
  await cluster.clock.advance(60 * SECOND)
  const since = cluster.cloud.requests.slice(asked).filter((request) => !request.startsWith('GET /servers'))
  assert.deepEqual(since, [], 'nothing is asked when nothing changes')
  await cluster.client.delete('v1', 'Service', { namespace: 'default', name: 'web' })
  await cluster.until('gone', async () => (await cluster.find('v1', 'Service', 'web')) === undefined, 60 * SECOND, SECOND)
  assert.deepEqual(cluster.cloud.balancers, [])
})

test('what these load balancers do not do is said to the owner', async (context) => {
  const cluster = await inCloud(context)
  await cluster.addNode('worker-1')
  await cluster.startCloud()
  for (const [name, spec, why] of [
    ['udp', { ports: [{ port: 53, protocol: 'UDP' }] }, 'spec.ports: 53/UDP: load balancers of the Hetzner Cloud lead TCP only'],
    ['bare', { allocateLoadBalancerNodePorts: false }, 'spec.ports: 80/TCP has no node port'],
    [
      'ranges',
      { loadBalancerSourceRanges: ['192.0.2.0/24'] },
      'spec.loadBalancerSourceRanges: load balancers of the Hetzner Cloud do not look at sources',
    ],
    ['many', { ports: [1, 2, 3, 4, 5, 6].map((port) => ({ name: `p${port}`, port })) }, 'service limit exceeded (resource_limit_exceeded)'],
  ] as const) {
    await cluster.client.create('v1', 'Service', balanced(name, structuredClone(spec) as never))
    await cluster.clock.advance(2 * SECOND)
    const messages = await cluster.eventMessages('SyncLoadBalancerFailed')
    assert.ok(
      messages.some((message) => message.includes(why)),
      `${why}: ${messages.join('\n')}`,
    )
    assert.deepEqual(addressesOf(await service(cluster, name)), [])
  }
  assert.equal(cluster.cloud.balancers.length, 0, 'nothing is paid for')
})

test('whichever request fails, and however: in the end there is one load balancer, and it is right', async (context) => {
  const faults: CloudFault[] = ['lost', 'cut', 'unavailable', 'conflict', 'garbage']
  const cluster = await inCloud(context, { actionMilliseconds: 700, listLag: 1_500 })
  const id = await cluster.addNode('worker-1')
  await cluster.startCloud()
  await cluster.clock.advance(5 * SECOND)
  let trial = 0
  for (const fault of faults) {
    for (let at = 1; at <= 6; at++) {
      const name = `web-${++trial}`
      const begin = cluster.cloud.requests.length
      cluster.cloud.fault = (number, request) => (number === begin + at && !request.startsWith('GET /servers') ? fault : undefined)
      cluster.cloud.most = 0
      await cluster.client.create('v1', 'Service', balanced(name))
      await served(cluster, name, 120 * SECOND)
      const changed = { type: 'merge' as const, body: { spec: { ports: [{ port: 81 }] } } }
      await cluster.client.patch('v1', 'Service', { namespace: 'default', name }, changed)
      await cluster.until('follows', () => portsOf(cluster.balancer()).join().startsWith('81,'), 120 * SECOND, SECOND)
      assert.deepEqual(targetsOf(cluster.balancer()), [id], `${fault} at ${at}`)
      await cluster.client.delete('v1', 'Service', { namespace: 'default', name })
      await cluster.until('gone', async () => (await cluster.find('v1', 'Service', name)) === undefined, 120 * SECOND, SECOND)
      assert.deepEqual(cluster.cloud.balancers, [], `${fault} at ${at}: nothing is left`)
      assert.equal(cluster.cloud.most, 1, `${fault} at ${at}: never two`)
    }
  }
  const all = [...cluster.logged, ...(await cluster.list('v1', 'Event')).map((event) => JSON.stringify(event))].join('\n')
  assert.ok(all.length > 0 && !all.includes(TOKEN), 'the token is nowhere to be read')
})

test('a process that ends in the middle of anything is gone on from by the next', async (context) => {
  const cluster = await inCloud(context, { actionMilliseconds: 700, listLag: 1_500 })
  await cluster.addNode('worker-1')
  let stop = await cluster.startCloud()
  await cluster.clock.advance(5 * SECOND)
  for (let at = 1; at <= 8; at++) {
    const name = `web-${at}`
    cluster.cloud.most = 0
    const begin = cluster.cloud.requests.length
    const reached = () => cluster.cloud.requests.length >= begin + at
    await cluster.client.create('v1', 'Service', balanced(name))
    await cluster.until('request reached', reached, 60 * SECOND, 100)
    await stop()
    stop = await cluster.startCloud()
    await served(cluster, name, 120 * SECOND)
    assert.equal(cluster.cloud.most, 1)
    const during = cluster.cloud.requests.length
    await cluster.client.delete('v1', 'Service', { namespace: 'default', name })
    await cluster.until('a request of the deletion', () => cluster.cloud.requests.length > during, 60 * SECOND, 100)
    await stop()
    stop = await cluster.startCloud()
    await cluster.until('gone', async () => (await cluster.find('v1', 'Service', name)) === undefined, 120 * SECOND, SECOND)
    assert.deepEqual(cluster.cloud.balancers, [])
  }
})

test('the limit of requests is waited for, not run against', async (context) => {
  const cluster = await inCloud(context, { limit: 600 })
  await cluster.addNode('worker-1')
  await cluster.startCloud()
  cluster.cloud.drain(2)
  for (let index = 1; index <= 4; index++) await cluster.client.create('v1', 'Service', balanced(`web-${index}`))
  const all = async () => (await cluster.list('v1', 'Service')).filter((each) => addressesOf(each).length > 0).length === 4
  await cluster.until('all served', all, 3_600 * SECOND, 60 * SECOND)
  assert.ok(cluster.cloud.limited > 0 && cluster.cloud.limited < 20, `${cluster.cloud.limited} requests too many`)
  assert.equal(cluster.cloud.balancers.length, 4)
  assert.deepEqual(await cluster.eventMessages('SyncLoadBalancerFailed'), [], 'patience is no failure')
})

test('routes of the private network follow the nodes; those of others stay', async (context) => {
  const scratch = await inCloud(context)
  const network = scratch.cloud.addNetwork()
  const routes = scratch.cloud.routesOf(network) as unknown[]
  const foreign = { destination: '10.9.0.0/16', gateway: '10.0.0.9' }
  routes.push(foreign, { destination: '10.244.9.0/24', gateway: '10.0.0.7' })
  await scratch.startCloud([`--hetzner-network=${network}`])
  const id = await scratch.addNode('worker-1')
  scratch.cloud.changeServer(id, { private_net: [{ network, ip: '10.0.0.2' }] })
  await scratch.client.patch(
    'v1',
    'Node',
    { name: 'worker-1' },
    { type: 'merge', body: { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] } } },
  )
  await scratch.until(
    'the route is there',
    () => (scratch.cloud.routesOf(network) as { gateway: string }[]).some(({ gateway }) => gateway === '10.0.0.2'),
    60 * SECOND,
    SECOND,
  )
  assert.deepEqual(scratch.cloud.routesOf(network), [foreign, { destination: '10.244.1.0/24', gateway: '10.0.0.2' }])
  await scratch.clock.advance(2 * SECOND)
  const node = await scratch.get('v1', 'Node', 'worker-1')
  assert.equal(node.status.conditions?.find(({ type }) => type === 'NetworkUnavailable')?.status, 'False')
})

test('a cluster without a token is told before anything starts', async (context) => {
  const cluster = await startSimulatedCluster(context, { nodes: 0, scheduler: false, controllers: [] })
  const config = readConfig({ name: 'x', summary: '' }, settings, { args: ['--cloud-provider=hetzner'], env: {} })
  await assert.rejects(
    createCloudControllerManager(config, cluster.tools),
    (error) => error instanceof ConfigError && /--hetzner-token-file/.test(error.message),
  )
})
