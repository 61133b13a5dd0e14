import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Pod, Service } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { ENDPOINTS_PER_SLICE, endpointsOf, groupByPorts, planSlices, type SliceContent, targetPort } from './endpoint-slices.ts'

const service = (spec: object = {}) => ({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }], ...spec } }) as unknown as Service

interface Facts {
  ip?: string
  ready?: boolean
  going?: boolean
  phase?: string
  spec?: object
}

function pod(name: string, { ip = '10.0.0.1', ready = true, going = false, phase = 'Running', spec = {} }: Facts = {}): Pod {
  return {
    metadata: { name, namespace: 'default', uid: name, ...(going ? { deletionTimestamp: '2030-01-01T00:00:00Z' } : {}) },
    spec: { containers: [{ name: 'main' }], nodeName: 'node-1', ...spec },
    status: { phase, podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  } as unknown as Pod
}

const noZone = () => undefined

describe('an endpoint says whether it takes traffic', () => {
  const conditionsOf = (facts: Facts, spec: object = {}) => endpointsOf(service(spec), [pod('a', facts)], noZone)[0]?.endpoint.conditions
  const cases: [string, Facts, object, object | undefined][] = [
    ['ready', {}, {}, { ready: true, serving: true, terminating: false }],
    ['not ready', { ready: false }, {}, { ready: false, serving: false, terminating: false }],
    ['ending, still serving', { going: true }, {}, { ready: false, serving: true, terminating: true }],
    ['ending, no longer serving', { going: true, ready: false }, {}, { ready: false, serving: false, terminating: true }],
    [
      'published although not ready',
      { ready: false },
      { publishNotReadyAddresses: true },
      { ready: true, serving: true, terminating: false },
    ],
    ['without an address', { ip: '' }, {}, undefined],
    ['finished', { phase: 'Succeeded' }, {}, undefined],
    ['failed', { phase: 'Failed' }, {}, undefined],
  ]
  for (const [name, facts, spec, expected] of cases) test(name, () => assert.deepEqual(conditionsOf(facts, spec), expected))
})

test('an endpoint knows its pod, node, zone, and its host name where the Service is the pod’s subdomain', () => {
  const named = pod('a', { spec: { hostname: 'first', subdomain: 'web' } })
  const stranger = pod('b', { ip: '10.0.0.2', spec: { hostname: 'first', subdomain: 'other', nodeName: 'node-2' } })
  const [one, two] = endpointsOf(service(), [named, stranger], (node) => (node === 'node-1' ? 'zone-a' : undefined))
  assert.equal(one?.endpoint.hostname, 'first')
  assert.deepEqual([one?.endpoint.nodeName, one?.endpoint.zone], ['node-1', 'zone-a'])
  assert.deepEqual(one?.endpoint.targetRef, { kind: 'Pod', namespace: 'default', name: 'a', uid: 'a' })
  assert.equal(two?.endpoint.hostname, undefined)
  assert.ok(!('zone' in (two?.endpoint ?? {})))
})

test('trafficDistribution hints ready endpoints for their zone, and with PreferSameNode for their node', () => {
  const hints = (trafficDistribution: string | undefined, facts: Facts = {}, zone: string | undefined = 'zone-a') =>
    endpointsOf(service({ trafficDistribution }), [pod('a', facts)], () => zone)[0]?.endpoint.hints
  const [forZones, forNodes] = [[{ name: 'zone-a' }], [{ name: 'node-1' }]]
  assert.deepEqual(hints('PreferClose'), { forZones })
  assert.deepEqual(hints('PreferSameZone'), { forZones })
  assert.deepEqual(hints('PreferSameNode'), { forZones, forNodes })
  assert.deepEqual(endpointsOf(service({ trafficDistribution: 'PreferSameNode' }), [pod('a')], noZone)[0]?.endpoint.hints, { forNodes })
  assert.equal(endpointsOf(service({ trafficDistribution: 'PreferClose' }), [pod('a')], noZone)[0]?.endpoint.hints, undefined)
  assert.equal(hints('PreferClose', { ready: false }), undefined)
  assert.equal(hints('PreferSameNode', { going: true }), undefined)
  assert.equal(hints(undefined), undefined)
})

test('target ports by number, by name, by name and protocol, in side-cars too', () => {
  const ports = [
    { name: 'http', containerPort: 8080 },
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
  ]
  const sidecar = { name: 'proxy', restartPolicy: 'Always', ports: [{ name: 'admin', containerPort: 9000 }] }
  const init = { name: 'init', ports: [{ name: 'once', containerPort: 1 }] }
  const target = pod('a', { spec: { containers: [{ name: 'main', ports }], initContainers: [sidecar, init] } })
  const cases: [object, number | undefined][] = [
    [{ port: 80 }, 80],
    [{ port: 80, targetPort: 0 }, 80],
    [{ port: 80, targetPort: 8080 }, 8080],
    [{ port: 80, targetPort: 'http' }, 8080],
    [{ port: 53, targetPort: 'dns', protocol: 'UDP' }, 53],
    [{ port: 53, targetPort: 'dns' }, undefined],
    [{ port: 80, targetPort: 'admin' }, 9000],
    [{ port: 80, targetPort: 'once' }, undefined],
    [{ port: 80, targetPort: 'none' }, undefined],
  ]
  for (const [port, expected] of cases) assert.equal(targetPort(port as never, target), expected, JSON.stringify(port))
})

test('pods whose named ports differ are in different slices; a pod without the port is in one without ports', () => {
  const withPort = (name: string, containerPort: number) =>
    pod(name, { spec: { containers: [{ name: 'main', ports: [{ name: 'http', containerPort }] }] } })
  const named = service({ ports: [{ name: 'web', port: 80, targetPort: 'http', appProtocol: 'h2c' }] })
  const pods = [withPort('a', 8080), withPort('b', 9090), withPort('c', 8080), pod('d')]
  const groups = groupByPorts(named, endpointsOf(named, pods, noZone))
  const seen = groups.map(({ ports, endpoints }) => [ports, endpoints.map(({ targetRef }) => targetRef?.name)])
  const port = (number: number) => [{ name: 'web', protocol: 'TCP', port: number, appProtocol: 'h2c' }]
  assert.deepEqual(seen, [
    [port(8080), ['a', 'c']],
    [port(9090), ['b']],
    [[], ['d']],
  ])
})

const labels = { app: 'web' }
let serial = 0
const stored = (content: SliceContent, own: Record<string, string> = labels): EndpointSlice =>
  ({ metadata: { name: `slice-${++serial}`, uid: `${serial}`, labels: own }, addressType: 'IPv4', ...content }) as unknown as EndpointSlice
const group = (...numbers: number[]): SliceContent => ({
  ports: [{ name: '', protocol: 'TCP', port: 80 }],
  endpoints: numbers.map((number) => ({
    addresses: [`10.0.${number >> 8}.${number & 255}`],
    conditions: {},
    targetRef: { uid: `${number}` },
  })),
})
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const shape = (plan: ReturnType<typeof planSlices>) => ({
  create: plan.create.map(({ endpoints }) => endpoints.length),
  update: plan.update.map(({ content }) => content.endpoints.length),
  remove: plan.remove.length,
})

describe('few writes', () => {
  test('nothing to do writes nothing', () => {
    assert.deepEqual(shape(planSlices([group(1, 2)], [stored(group(1, 2))], labels)), { create: [], update: [], remove: 0 })
  })
  test('a first Service makes full slices', () => {
    assert.deepEqual(shape(planSlices([group(...range(0, 250))], [], labels)), { create: [100, 100, 50], update: [], remove: 0 })
  })
  test('new endpoints fill the slice that changes anyway', () => {
    const existing = [stored(group(...range(0, 90))), stored(group(...range(100, 150)))]
    const wanted = group(...range(1, 90), ...range(100, 150), 300, 301)
    assert.deepEqual(shape(planSlices([wanted], existing, labels)), { create: [], update: [91], remove: 0 })
  })
  test('else the fullest one with room', () => {
    const existing = [stored(group(...range(0, 10))), stored(group(...range(100, 150)))]
    const wanted = group(...range(0, 10), ...range(100, 150), 300)
    assert.deepEqual(shape(planSlices([wanted], existing, labels)), { create: [], update: [51], remove: 0 })
  })
  test('an emptied slice goes, and the last one stays as a mark that somebody looked', () => {
    const existing = [stored(group(1)), stored(group(2))]
    assert.deepEqual(shape(planSlices([group(2)], existing, labels)), { create: [], update: [], remove: 1 })
    assert.deepEqual(shape(planSlices([], existing, labels)), { create: [], update: [0], remove: 1 })
    assert.deepEqual(shape(planSlices([], [], labels)), { create: [0], update: [], remove: 0 })
    assert.deepEqual(shape(planSlices([], [stored({ ports: [], endpoints: [] })], labels)), { create: [], update: [], remove: 0 })
  })
  test('other labels are an update', () => {
    const old = { app: 'old' }
    assert.deepEqual(shape(planSlices([group(1)], [stored(group(1), old)], labels)), { create: [], update: [1], remove: 0 })
    assert.deepEqual(shape(planSlices([], [stored({ ports: [], endpoints: [] }, old)], labels)), { create: [], update: [0], remove: 0 })
  })
  test('a slice made twice loses its endpoints to the first', () => {
    const plan = planSlices([group(1, 2)], [stored(group(1, 2)), stored(group(1, 2))], labels)
    assert.deepEqual(shape(plan), { create: [], update: [], remove: 1 })
  })
})

test('through any changes the slices hold exactly what is wanted, once, and none is too full', () => {
  const random = seededRandom(3)
  let existing: EndpointSlice[] = []
  let members = new Set<number>()
  for (let round = 0; round < 200; round++) {
    const gone = random.fraction()
    members = new Set([...members].filter(() => random.fraction() > gone * 0.5))
    for (let more = random.fraction() * 80; more > 0; more--) members.add(Math.floor(random.fraction() * 2_000))
    const plan = planSlices(members.size === 0 ? [] : [group(...members)], existing, labels)
    const updated = new Map(plan.update.map(({ slice, content }) => [slice, content]))
    existing = [
      ...existing.filter((slice) => !plan.remove.includes(slice)).map((slice) => ({ ...slice, ...updated.get(slice) })),
      ...plan.create.map((content) => stored(content)),
    ]
    const held = existing.flatMap(({ endpoints }) => endpoints ?? []).map(({ targetRef }) => Number(targetRef?.uid))
    assert.deepEqual(
      held.sort((a, b) => a - b),
      [...members].sort((a, b) => a - b),
      `round ${round}`,
    )
    assert.ok(
      existing.every(({ endpoints }) => (endpoints ?? []).length <= ENDPOINTS_PER_SLICE),
      `round ${round}`,
    )
  }
})
