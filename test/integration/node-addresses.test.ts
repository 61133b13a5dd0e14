import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Observation } from '../../kubelet/node/node-report.ts'
import { nodeReport } from '../../kubelet/node/node-report.ts'
import { nodeStatusLoop } from '../../kubelet/node/node-status.ts'
import { registerNode } from '../../kubelet/node/registration.ts'
import { createKeyAndRequest } from '../../shared/certificates/certificate-request.ts'
import type { StatusError } from '../../shared/errors/status-error.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { type InProcessCluster, startCluster } from '../../simulation/cluster.ts'
import { startApi } from '../harness/api.ts'
import { beat } from '../harness/node-reports.ts'
import { pod } from '../harness/workloads.ts'

const nodeUser = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })

/** A control plane, and as much of kubelets as writes Nodes. */
async function trial(t: TestContext, controllers: string[] = []) {
  const cluster = await startCluster({ controllers, apiServerFlags: ['--pod-routes=10.244.0.0/16'] })
  t.after(() => cluster.stop())
  return { cluster, ...writersOf(cluster) }
}

function writersOf(cluster: InProcessCluster) {
  const done = async <T>(work: Promise<T>): Promise<T> => {
    await cluster.clock.settle()
    return work
  }
  const refused = async (work: Promise<unknown>): Promise<StatusError> => {
    const settled = work.then(
      () => assert.fail('it was let in'),
      (error: StatusError) => error,
    )
    return done(settled)
  }
  const register = (name: string, addresses: [type: string, address: string][], by = cluster.clientOf(nodeUser(name))) =>
    by.create('v1', 'Node', { metadata: { name }, status: { addresses: addresses.map(([type, address]) => ({ type, address })) } })
  const move = (name: string, addresses: [type: string, address: string][], by = cluster.clientOf(nodeUser(name))) => {
    const body = { status: { addresses: [{ $patch: 'replace' }, ...addresses.map(([type, address]) => ({ type, address }))] } }
    return by.patch('v1', 'Node', { name }, { type: 'strategic', subresource: 'status', body })
  }
  const addressesOf = async (name: string) =>
    ((await done(cluster.client.get('v1', 'Node', { name }))).status.addresses ?? []).map(({ address }) => address)
  return { done, refused, register, move, addressesOf }
}

const foreign: [type: string, address: string, why: RegExp][] = [
  ['InternalIP', '10.96.0.1', /belongs to the API server/],
  ['InternalIP', '10.96.7.7', /belongs to Services \(10\.96\.0\.0\/16\)/],
  ['InternalIP', '::ffff:10.96.0.10', /belongs to Services/],
  ['InternalIP', '192.0.2.1', /belongs to the API server/],
  ['ExternalIP', '127.0.0.1', /belongs to the API server/],
  ['InternalIP', '127.0.0.2', /loopback/],
  ['InternalIP', '::ffff:127.0.0.2', /loopback/],
  ['InternalIP', '169.254.169.254', /link-local/],
  ['InternalIP', 'fe80::1', /link-local/],
  ['InternalIP', '224.0.0.1', /multicast/],
  ['InternalIP', '0.0.0.0', /unspecified/],
  ['InternalIP', '10.244.7.7', /range of all pods/],
  ['InternalIP', '192.0.2.22', /is an address of node "b"/],
  ['InternalDNS', 'kubernetes.default.svc', /belongs to the API server/],
  ['InternalDNS', 'kubernetes.default.svc.cluster.local', /belongs to the API server/],
  ['ExternalDNS', 'web.default.svc', /belongs to the cluster/],
  ['Hostname', 'localhost', /belongs to the API server/],
  ['Hostname', 'apiserver', /belongs to the API server/],
  ['Hostname', '10.96.7.7', /belongs to Services/],
  ['Hostname', 'b', /is the name of node "b"/],
  ['ExternalDNS', 'b.example.com', /is an address of node "b"/],
]

test('no node is found where the cluster itself or another node is, whoever says so', async (t) => {
  const { cluster, done, refused, register, move, addressesOf } = await trial(t)
  await done(
    register('b', [
      ['InternalIP', '192.0.2.22'],
      ['ExternalDNS', 'b.example.com'],
    ]),
  )
  await done(beat(cluster.client, 'b', cluster.clock))
  await done(register('a', [['InternalIP', '192.0.2.11']]))
  for (const [type, address, why] of foreign) {
    for (const by of [cluster.clientOf(nodeUser('a')), cluster.client]) {
      const error = await refused(
        move(
          'a',
          [
            ['InternalIP', '192.0.2.11'],
            [type, address],
          ],
          by,
        ),
      )
      assert.equal(error.code, 422, address)
      assert.match(error.message, why, address)
      assert.equal(error.details?.causes?.[0]?.field, 'status.addresses[1].address')
    }
    const error = await refused(register('c', [[type, address]]))
    assert.match(error.message, why, address)
  }
  assert.deepEqual(await addressesOf('a'), ['192.0.2.11'])
  await done(
    move('a', [
      ['InternalIP', '192.0.2.12'],
      ['Hostname', 'a'],
      ['ExternalDNS', 'a.example.com'],
    ]),
  )
})

test('no node is called what the cluster or another node is called', async (t) => {
  const { cluster, done, refused, register } = await trial(t)
  await done(register('b', [['ExternalDNS', 'b.example.com']]))
  for (const name of [
    'kubernetes',
    'kubernetes.default.svc',
    'apiserver',
    'localhost',
    'x.svc',
    '10.96.0.1',
    '192.0.2.1',
    'b.example.com',
  ]) {
    const error = await refused(register(name, []))
    assert.deepEqual([error.code, error.details?.causes?.[0]?.field], [422, 'metadata.name'], name)
    assert.equal((await refused(register(name, [], cluster.client))).code, 422, `${name} by a person`)
  }
})

test('a certificate to serve as the cluster is not even asked for, and not given for what a Node claims', async (t) => {
  const { cluster, done, refused, register } = await trial(t, ['csrapproving', 'csrsigning'])
  await done(register('a', [['InternalIP', '192.0.2.11']]))
  const ask = async (name: string, names: { dnsNames: string[]; ipAddresses: string[] }) => {
    const { request } = await createKeyAndRequest({ commonName: 'system:node:a', organizations: ['system:nodes'] }, names)
    const spec = {
      request: Buffer.from(request).toString('base64'),
      signerName: 'kubernetes.io/kubelet-serving',
      usages: ['digital signature', 'server auth'],
    }
    return cluster.clientOf(nodeUser('a')).create('certificates.k8s.io/v1', 'CertificateSigningRequest', { metadata: { name }, spec })
  }
  for (const dnsName of ['kubernetes', 'kubernetes.default.svc', 'apiserver', 'localhost', 'x.y.svc.cluster.local']) {
    assert.match((await refused(ask('bad', { dnsNames: ['a', dnsName], ipAddresses: [] }))).message, /no node serves as/, dnsName)
  }
  for (const address of ['10.96.0.1', '192.0.2.1', '127.0.0.1']) {
    assert.match((await refused(ask('bad', { dnsNames: [], ipAddresses: [address] }))).message, /no node serves as/, address)
  }
  await done(ask('good', { dnsNames: ['a'], ipAddresses: ['192.0.2.11'] }))
  await cluster.clock.advance(5_000)
  const { status } = await done(cluster.client.get('certificates.k8s.io/v1', 'CertificateSigningRequest', { name: 'good' }))
  assert.ok(status.certificate)
})

const observation = (address: string): Observation => ({
  capacity: { cpuMillis: 1500, memoryBytes: 2 ** 31, storageBytes: 2 ** 34 },
  reserved: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 },
  ...{ maxPods: 110, port: 10250, pressure: new Set(), problems: [], images: [], addresses: [{ type: 'InternalIP', address }] },
  info: {
    ...{ machineID: 'm', systemUUID: 's', bootID: 'b', kernelVersion: '6', osImage: 'Debian', containerRuntimeVersion: 'docker://20' },
    ...{ kubeletVersion: 'v1.36.0', kubeProxyVersion: '', operatingSystem: 'linux', architecture: 'amd64' },
  },
})

/** The part of a kubelet that keeps its Node, with its heartbeat. */
function keepNode(t: TestContext, cluster: InProcessCluster, name: string, address: string): void {
  const stopped = new AbortController()
  const { signal } = stopped
  const tools = { client: cluster.clientOf(nodeUser(name)), clock: cluster.clock, log: silentLogger() }
  const identity = { name, architecture: 'amd64', labels: {}, taints: [], volumeFolders: '/volumes', unschedulable: false }
  const report = async () => nodeReport(observation(address), undefined, cluster.clock.now())
  const heart = cluster.clock.every(10_000, () => void beat(cluster.client, name, cluster.clock))
  const status = nodeStatusLoop({ ...tools, nodeName: name, observe: async () => observation(address), current: () => undefined })
  const running = beat(cluster.client, name, cluster.clock)
    .then(() => registerNode(identity, report, tools, signal))
    .then(() => status.run(signal))
  t.after(async () => {
    heart.cancel()
    stopped.abort(new Error('stop'))
    await running.catch((error) => assert.equal(error, signal.reason))
  })
}

test('two hosts that start with each other’s addresses have both within seconds', async (t) => {
  const { cluster, done, register, addressesOf } = await trial(t)
  for (const [name, address] of [
    ['a', '192.0.2.4'],
    ['b', '192.0.2.5'],
  ] as const) {
    await done(register(name, [['InternalIP', address]]))
    await done(beat(cluster.client, name, cluster.clock))
  }
  keepNode(t, cluster, 'a', '192.0.2.5')
  keepNode(t, cluster, 'b', '192.0.2.4')
  await cluster.clock.advance(3_000)
  assert.deepEqual([await addressesOf('a'), await addressesOf('b')], [['192.0.2.5'], ['192.0.2.4']])
})

test('a new host gets the address of one that fell silent, and the other comes back with another', async (t) => {
  const { cluster, done, refused, register, move, addressesOf } = await trial(t)
  await done(register('old', [['InternalIP', '192.0.2.4']]))
  await done(beat(cluster.client, 'old', cluster.clock))
  assert.match((await refused(register('new', [['InternalIP', '192.0.2.4']]))).message, /kubectl delete node old/)
  keepNode(t, cluster, 'new', '192.0.2.4')
  await cluster.clock.advance(20_000)
  assert.deepEqual(await addressesOf('new'), [], 'registered without it while the other is alive')
  await cluster.clock.advance(40_000)
  assert.deepEqual(await addressesOf('new'), ['192.0.2.4'])
  await done(beat(cluster.client, 'old', cluster.clock))
  await done(move('old', [['InternalIP', '192.0.2.4']]))
  await done(move('old', [['InternalIP', '192.0.2.6']]))
  assert.match((await refused(move('old', [['InternalIP', '192.0.2.4']]))).message, /is an address of node "new"/)
})

test('pod ranges are given by the controller manager, inside the cluster’s, nobody’s twice, and once', async (t) => {
  const { cluster, done, refused, register } = await trial(t, ['node-ipam'])
  const set = (name: string, podCIDRs: string[], by = cluster.client) =>
    by.patch('v1', 'Node', { name }, { type: 'merge', body: { spec: { podCIDR: podCIDRs[0], podCIDRs } } })
  const mine = cluster.clientOf(nodeUser('a'))
  const spec = { podCIDR: '0.0.0.0/0', podCIDRs: ['0.0.0.0/0'] }
  assert.match(
    (await refused(mine.create('v1', 'Node', { metadata: { name: 'a' }, spec }))).message,
    /not allowed to set its pod range|range of all pods/,
  )
  await done(register('a', []))
  await cluster.clock.advance(1_000)
  const given = (await done(cluster.client.get('v1', 'Node', { name: 'a' }))).spec.podCIDR
  assert.equal(given, '10.244.0.0/24')
  assert.equal((await refused(set('a', ['10.244.9.0/24'], mine))).code >= 403, true)
  assert.equal((await refused(set('a', ['10.244.9.0/24']))).code, 422, 'immutable')

  const alone = await trial(t)
  await alone.done(alone.register('a', []))
  await alone.done(alone.register('b', []))
  const by = alone.cluster.client
  assert.equal((await alone.refused(set('a', ['10.244.0.0/24'], alone.cluster.clientOf(nodeUser('a'))))).code, 403)
  await alone.done(set('a', ['10.244.1.0/24'], by))
  for (const [range, why] of [
    ['0.0.0.0/0', /must lie in the range of all pods \(10\.244\.0\.0\/16\)/],
    ['10.0.0.0/8', /must lie in/],
    ['192.168.0.0/24', /must lie in/],
    ['10.244.1.128/25', /overlaps the pod range of node "a"/],
    ['10.244.0.0/16', /overlaps the pod range of other nodes/],
    ['10.96.0.0/24', /overlaps the range of Services/],
  ] as const) {
    assert.match((await alone.refused(set('b', [range], by))).message, why, range)
  }
  await alone.done(set('b', ['10.244.2.0/24'], by))
})

test('a kubelet’s pods are in its node’s range, those in the node’s network at its addresses', async (t) => {
  const { cluster, done, refused, register } = await trial(t, ['serviceaccount'])
  await done(register('a', [['InternalIP', '192.0.2.11']]))
  await done(register('b', [['InternalIP', '192.0.2.22']]))
  const range = (name: string, podCIDR: string) =>
    cluster.client.patch('v1', 'Node', { name }, { type: 'merge', body: { spec: { podCIDR, podCIDRs: [podCIDR] } } })
  await done(range('a', '10.244.1.0/24'))
  await cluster.clock.advance(1_000)
  const create = (name: string, more: object) => done(cluster.client.create('v1', 'Pod', pod(name, more)))
  await create('web', { nodeName: 'a' })
  await create('host', { nodeName: 'a', hostNetwork: true })
  await create('bare', { nodeName: 'b' })
  const say = (name: string, status: object, node = 'a') =>
    cluster
      .clientOf(nodeUser(node))
      .patch('v1', 'Pod', { namespace: 'default', name }, { type: 'strategic', subresource: 'status', body: { status } })
  const at = (ip: string) => ({ podIP: ip, podIPs: [{ ip }] })

  for (const ip of [
    '127.0.0.1',
    '169.254.169.254',
    '::1',
    '224.0.0.1',
    '::ffff:127.0.0.1',
    '0.0.0.0',
    '10.244.2.7',
    '192.0.2.11',
    '10.96.0.1',
  ]) {
    const error = await refused(say('web', at(ip)))
    assert.equal(error.code, 403, ip)
    assert.match(error.message, /status\.podIP/, ip)
  }
  assert.equal((await refused(say('web', { podIPs: [{ ip: '10.244.1.7' }, { ip: '127.0.0.1' }] }))).code, 403)
  assert.match((await refused(say('web', { hostIP: '192.0.2.22', hostIPs: [{ ip: '192.0.2.22' }] }))).message, /not an address of the node/)
  await done(say('web', { ...at('10.244.1.7'), hostIP: '192.0.2.11', hostIPs: [{ ip: '192.0.2.11' }] }))
  await done(say('web', { phase: 'Running' }))

  assert.match((await refused(say('host', at('10.244.1.8')))).message, /in the node's network is not an address of the node/)
  assert.equal((await refused(say('host', at('192.0.2.22')))).code, 403)
  await done(say('host', at('192.0.2.11')))

  // Another plugin gives addresses where the node has no range.
  for (const ip of ['192.0.2.11', '10.96.0.1', '192.0.2.1', '127.0.0.1'])
    assert.equal((await refused(say('bare', at(ip), 'b'))).code, 403, ip)
  await done(say('bare', at('172.20.3.4'), 'b'))
})

test('what a status says is looked at like the rest of a Node', async (t) => {
  const { cluster, done, refused, register } = await trial(t)
  await done(register('a', []))
  const patch = (status: object) =>
    cluster.clientOf(nodeUser('a')).patch('v1', 'Node', { name: 'a' }, { type: 'merge', subresource: 'status', body: { status } })
  const wrong: [Partial<Node['status']> | object, RegExp][] = [
    [{ capacity: { cpu: '-1' } }, /status\.capacity\.cpu/],
    [{ conditions: [{ type: 'Ready', status: 'Perhaps' }] }, /status\.conditions\[0\]\.status/],
    [{ addresses: [{ type: 'InternalIP', address: 'nowhere' }] }, /status\.addresses\[0\]\.address/],
    [{ daemonEndpoints: { kubeletEndpoint: { Port: 1_000_000 } } }, /kubeletEndpoint/],
    [{ images: Array.from({ length: 5_000 }, (_, index) => ({ names: [`i${index}`] })) }, /status\.images: Too many/],
  ]
  for (const [status, why] of wrong) {
    const error = await refused(patch(status))
    assert.equal(error.code, 422)
    assert.match(error.message, why)
  }
})

test('what a node was given an instant ago is taken', async (t) => {
  const api = await startApi({}, t)
  const register = (name: string, address: string) => {
    const node = { metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }] } }
    return api.request('POST', '/api/v1/nodes', node, {}, nodeUser(name))
  }
  for (let n = 1; n < 20; n++) {
    assert.equal((await register(`first-${n}`, `198.51.100.${n}`)).status, 201)
    const second = await register(`second-${n}`, `198.51.100.${n}`)
    assert.equal(second.status, 422)
    assert.match(second.text, new RegExp(`is an address of node ..first-${n}`))
  }
})

test('of nodes that ask for one address in one moment, one has it', async (t) => {
  const api = await startApi({}, t)
  const register = (name: string, address: string) => {
    const node = { metadata: { name }, status: { addresses: [{ type: 'InternalIP', address }] } }
    return api.request('POST', '/api/v1/nodes', node, {}, nodeUser(name))
  }
  for (let n = 1; n < 20; n++) {
    const address = `198.51.100.${n}`
    const answers = await Promise.all([register(`one-${n}`, address), register(`other-${n}`, address), register(`third-${n}`, address)])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 422, 422], address)
    const refused = answers.find(({ status }) => status === 422)
    assert.match(refused?.text ?? '', /is an address of node ..(one|other|third)-/)
  }
  // A claim lasts as long as the write it is of: who is refused for another reason keeps nobody out.
  assert.equal((await register('one-1', '198.51.100.100')).status, 409)
  assert.equal((await register('late', '198.51.100.100')).status, 201)
})

test('of Services that ask for one external address and port in one moment, one has it', async (t) => {
  const api = await startApi({}, t)
  const create = (name: string, externalIP: string, port: number) =>
    api.request('POST', '/api/v1/namespaces/default/services', {
      metadata: { name },
      spec: { externalIPs: [externalIP], ports: [{ port }] },
    })
  for (let n = 1; n < 20; n++) {
    const address = `198.51.100.${n}`
    const answers = await Promise.all([
      create(`one-${n}`, address, 80),
      create(`other-${n}`, address, 80),
      create(`apart-${n}`, address, 81),
    ])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 422], address)
    assert.equal(answers[2]?.status, 201, 'another port of the address')
    assert.match(answers.find(({ status }) => status === 422)?.text ?? '', /leads to another Service/)
  }
  const moved = await Promise.all(
    ['apart-1', 'apart-2'].map((name) =>
      api.request(
        'PATCH',
        `/api/v1/namespaces/default/services/${name}`,
        { spec: { externalIPs: ['198.51.100.99'], ports: [{ port: 81 }] } },
        { 'content-type': 'application/merge-patch+json' },
      ),
    ),
  )
  assert.deepEqual(moved.map(({ status }) => status).sort(), [200, 422])
})

test('of nodes that are given one pod range in one moment, one has it', async (t) => {
  const api = await startApi({}, t)
  for (let n = 1; n < 10; n++) {
    const answers = await Promise.all(
      ['one', 'other'].map((name, index) =>
        api.request('POST', '/api/v1/nodes', {
          metadata: { name: `${name}-${n}` },
          spec: { podCIDRs: [index === 0 ? `10.244.${n}.0/24` : `10.244.${n}.128/25`] },
        }),
      ),
    )
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 422])
    assert.match(answers.find(({ status }) => status === 422)?.text ?? '', /overlaps the pod range of/)
  }
})
