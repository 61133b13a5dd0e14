import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeStatus } from '../../shared/openapi/generated/core-v1.ts'
import { differs, nodeReport, type Observation, reportPatch } from './node-report.ts'

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
const noon = Date.parse('2026-01-01T12:00:00Z')
const asStatus = (report: ReturnType<typeof nodeReport>): NodeStatus => structuredClone(report)

test('amounts are written as people know them; what is reserved is not allocatable', () => {
  const { capacity, allocatable } = nodeReport(observation, undefined, noon)
  assert.deepEqual(capacity, { cpu: '1500m', memory: '2Gi', 'ephemeral-storage': '16Gi', pods: '110' })
  assert.equal(allocatable.memory, `${2048 - 100}Mi`)
})

test('resources that others advertised stay and may be used', () => {
  const before = asStatus(nodeReport(observation, undefined, noon))
  before.capacity = { ...before.capacity, 'example.com/dongle': '4', cpu: '99' }
  const { capacity, allocatable } = nodeReport(observation, before, noon)
  assert.equal(capacity['example.com/dongle'], '4')
  assert.equal(allocatable['example.com/dongle'], '4')
  assert.equal(capacity.cpu, '1500m')
})

test('a transition time moves only when the status of its condition does', () => {
  const before = asStatus(nodeReport(observation, undefined, noon))
  const later = nodeReport({ ...observation, problems: ['the engine is away'] }, before, noon + 60_000)
  const times = Object.fromEntries(later.conditions.map((one) => [one.type, [one.status, one.lastTransitionTime, one.lastHeartbeatTime]]))
  assert.deepEqual(times.MemoryPressure, ['False', '2026-01-01T12:00:00Z', '2026-01-01T12:01:00Z'])
  assert.deepEqual(times.Ready, ['False', '2026-01-01T12:01:00Z', '2026-01-01T12:01:00Z'])
  assert.equal(later.conditions.find((one) => one.type === 'Ready')?.message, 'the engine is away')
})

test('only real differences are worth a write', () => {
  const before = asStatus(nodeReport(observation, undefined, noon))
  assert.equal(differs(nodeReport(observation, before, noon + 10_000), before), false)
  const foreign = { type: 'NetworkUnavailable', status: 'False' }
  const others = { ...before, conditions: [foreign, ...(before.conditions ?? [])] }
  assert.equal(differs(nodeReport(observation, others, noon), others), false)
  assert.equal(differs(nodeReport({ ...observation, pressure: new Set(['disk'] as const) }, before, noon), before), true)
  assert.equal(differs(nodeReport({ ...observation, addresses: [] }, before, noon), before), true)
})

test('the patch replaces addresses, so that an old one does not stay', () => {
  const body = reportPatch(nodeReport(observation, undefined, noon), {}) as { status: { addresses: unknown[] } }
  assert.deepEqual(body.status.addresses, [{ $patch: 'replace' }, { type: 'InternalIP', address: '10.0.0.1' }])
})

test('with a cloud the addresses that the node has stay, and are not written again; a new node says its own', () => {
  const first = nodeReport({ ...observation, keepsAddresses: true }, undefined, noon)
  assert.deepEqual(first.addresses, observation.addresses)
  const before = { ...asStatus(first), addresses: [{ type: 'ExternalIP', address: '203.0.113.5' }, ...observation.addresses] }
  const report = nodeReport({ ...observation, keepsAddresses: true, problems: ['x'] }, before, noon)
  assert.deepEqual(report.addresses, before.addresses)
  const body = reportPatch(report, before) as { status: object }
  assert.ok(!('addresses' in body.status))
  assert.deepEqual(nodeReport(observation, before, noon).addresses, observation.addresses, 'without a cloud they are the kubelet’s')
})

test('volumes in use are said when they change, the last one too; what is not known changes nothing', () => {
  const used = asStatus(nodeReport({ ...observation, volumesInUse: ['a'] }, undefined, noon))
  assert.deepEqual(used.volumesInUse, ['a'])
  const says = (volumesInUse: string[] | undefined) => nodeReport({ ...observation, volumesInUse }, used, noon)
  assert.equal(differs(says(['a']), used), false)
  assert.equal(differs(says([]), used), true)
  assert.deepEqual(reportPatch(says([]), used), { status: { ...omitAddresses(says([])), volumesInUse: [] } })
  assert.equal(differs(says(undefined), used), false)
  assert.equal('volumesInUse' in says(undefined), false)
})

function omitAddresses({ addresses: _, ...rest }: ReturnType<typeof nodeReport>) {
  return rest
}
