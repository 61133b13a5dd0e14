import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import type { Answer, TestApi } from '../harness/api.ts'
import { type PrivateEtcd, privateEtcd } from '../harness/private-etcd.ts'
import { serversOverEtcd } from '../harness/servers-over-etcd.ts'
import { soon } from '../harness/soon.ts'

let etcd: PrivateEtcd
before(async () => {
  etcd = await privateEtcd()
})
after(() => etcd?.dispose())

const SERVICES = '/api/v1/namespaces/default/services'

const service = (name: string, spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: { type: 'NodePort', ports: [{ port: 80 }], ...spec },
})
const create = (server: TestApi | undefined, body: object) => server!.request('POST', SERVICES, body)

function unique(values: readonly (string | number | undefined)[]): void {
  assert.equal(values.includes(undefined), false)
  assert.equal(new Set(values).size, values.length)
}

async function all(server: TestApi | undefined): Promise<Service[]> {
  const { json } = await server!.request('GET', SERVICES)
  return json['items'] as Service[]
}

function statuses(answers: readonly Answer[]): number[] {
  return answers.map(({ status }) => status)
}

test('three servers that make 180 Services at once out of ranges that just hold them give nothing twice', async (t) => {
  const ranges = ['--service-cluster-ip-range=10.96.0.0/24', '--service-node-port-range=30000-30179']
  const { servers } = await serversOverEtcd(t, etcd, 3, ranges)
  const made = await Promise.all(
    servers.flatMap((server, s) => Array.from({ length: 60 }, (_, n) => create(server, service(`web-${s}-${n}`)))),
  )
  assert.deepEqual(
    made.filter(({ status }) => status !== 201).map(({ text }) => text),
    [],
  )
  const services = (await all(servers[1])).filter(({ metadata }) => metadata.name?.startsWith('web-'))
  assert.equal(services.length, 180)
  unique(services.map(({ spec }) => spec.clusterIP))
  unique(services.map(({ spec }) => spec.ports?.[0]?.nodePort))
  const { json } = await servers[2]!.request('GET', '/apis/networking.k8s.io/v1/ipaddresses')
  const names = new Set((json['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name))
  for (const { spec } of await all(servers[0])) assert.ok(names.has(spec.clusterIP ?? ''), `${spec.clusterIP} has its IPAddress`)
  // Nothing is left, wherever one asks; and what is given back at one server can be had at another at once.
  const refused = await create(servers[0], service('late'))
  assert.equal(refused.status, 422)
  assert.match(refused.text, /failed to allocate a nodePort: range is full/)
  const gone = services[0]!
  const port = gone.spec.ports?.[0]?.nodePort
  assert.equal((await servers[1]!.request('DELETE', `${SERVICES}/${gone.metadata.name}`)).status, 200)
  const again = await create(servers[2], service('late', { clusterIP: gone.spec.clusterIP, ports: [{ port: 80, nodePort: port }] }))
  assert.equal(again.status, 201, again.text)
})

test('what is asked for by name at several servers is given to one, and the others are told so in the usual words', async (t) => {
  const { servers } = await serversOverEtcd(t, etcd, 3)
  const asked = async (spec: object, words: RegExp) => {
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(servers.map((server, s) => create(server, service(`asks-${s}`, spec))))
      assert.deepEqual(statuses(answers).sort(), [201, 422, 422])
      for (const { status, text } of answers) if (status === 422) assert.match(text, words)
      const winner = statuses(answers).indexOf(201)
      const removed = await servers[(winner + 1) % 3]!.request('DELETE', `${SERVICES}/asks-${winner}`)
      assert.equal(removed.status, 200)
    }
  }
  await asked(
    { ports: [{ port: 80, nodePort: 30_123 }] },
    /spec\.ports\[0\]\.nodePort: Invalid value: 30123: provided port is already allocated/,
  )
  await asked({ clusterIP: '10.96.7.7' }, /failed to allocate IP 10\.96\.7\.7: provided IP is already allocated/)
  const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_321 }
  await asked(local, /spec\.healthCheckNodePort: Invalid value: 30321: provided port is already allocated/)
  await asked({ externalIPs: ['198.51.100.7'] }, /spec\.externalIPs\[0\].*leads to another Service at one of these ports/)
})

test('a Service that becomes another kind of Service takes and gives back as a new one does', async (t) => {
  const { servers } = await serversOverEtcd(t, etcd, 2)
  const PATCH = { 'content-type': 'application/merge-patch+json' }
  const patch = (server: TestApi | undefined, name: string, spec: object) =>
    server!.request('PATCH', `${SERVICES}/${name}`, { spec }, PATCH)
  for (const [s, name] of ['one', 'other'].entries())
    assert.equal((await create(servers[s], service(name, { type: 'ClusterIP' }))).status, 201)
  const wish = { type: 'NodePort', ports: [{ port: 80, nodePort: 30_777 }] }
  const answers = await Promise.all([patch(servers[0], 'one', wish), patch(servers[1], 'other', wish)])
  assert.deepEqual(statuses(answers).sort(), [200, 422])
  const [winner, loser] = answers[0].status === 200 ? ['one', 'other'] : ['other', 'one']
  const ports = [{ port: 80, nodePort: null }]
  assert.equal((await patch(servers[0], winner!, { type: 'ClusterIP', ports })).status, 200)
  assert.equal((await patch(servers[1], loser!, wish)).status, 200)
})

test('two nodes never have one address, one name, or one range of pods', async (t) => {
  const { servers } = await serversOverEtcd(t, etcd, 2)
  const node = (name: string, address: string, podCIDR?: string) => ({
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: podCIDR ? { podCIDR, podCIDRs: [podCIDR] } : {} },
    status: { addresses: [{ type: /^\d/.test(address) ? 'InternalIP' : 'Hostname', address }] },
  })
  const both = (bodies: readonly object[]) => Promise.all(bodies.map((body, s) => servers[s]!.request('POST', '/api/v1/nodes', body)))
  const cases: [object[], RegExp][] = [
    [[node('a-0', '192.0.2.10'), node('b-0', '192.0.2.10')], /is an address of node/],
    [[node('a-1', '192.0.2.11'), node('b-1', 'a-1')], /(is an address|is the name) of node/],
    [[node('a-2', '192.0.2.12', '10.244.3.0/24'), node('b-2', '192.0.2.13', '10.244.3.0/24')], /overlaps the pod range of/],
  ]
  for (const [bodies, words] of cases) {
    const answers = await both(bodies)
    assert.deepEqual(statuses(answers).sort(), [201, 422], answers.map(({ text }) => text).join())
    for (const { status, text } of answers) if (status === 422) assert.match(text, words)
  }
  // A node that went has left its address to another.
  const { json } = await servers[0]!.request('GET', '/api/v1/nodes')
  const [first] = (json['items'] as { metadata: { name: string } }[]).filter(({ metadata }) => metadata.name.endsWith('-0'))
  assert.equal((await servers[0]!.request('DELETE', `/api/v1/nodes/${first?.metadata.name}`)).status, 200)
  assert.equal((await servers[1]!.request('POST', '/api/v1/nodes', node('c', '192.0.2.10'))).status, 201)
})

test('an IPAddress whose Service never came keeps its address for a minute, and no longer', async (t) => {
  const clock = manualClock()
  const { add } = await serversOverEtcd(t, etcd, 0)
  const server = await add({ clock })
  const ADDRESSES = '/apis/networking.k8s.io/v1/ipaddresses'
  // What a server leaves that is killed between the two.
  const labels = { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }
  const left = {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name: '10.96.9.9', labels } },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'never' } },
  }
  assert.equal((await server.request('POST', ADDRESSES, left)).status, 201)
  assert.equal((await create(server, service('web', { clusterIP: '10.96.9.9' }))).status, 422)
  for (let second = 0; second < 55; second++) await clock.advance(1_000)
  assert.equal((await server.request('GET', `${ADDRESSES}/10.96.9.9`)).status, 200)
  await soon(async () => {
    await clock.advance(1_000)
    const made = await create(server, service('web', { clusterIP: '10.96.9.9' }))
    assert.equal(made.status, 201, made.text)
  })
})
