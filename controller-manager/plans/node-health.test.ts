import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Node, Taint } from '../../shared/openapi/generated/core-v1.ts'
import { silentConditions, taintsFor } from './node-health.ts'

const NOW = Date.UTC(2030, 0, 1)
const EARLIER = '2029-12-31T00:00:00Z'

function node(conditions: Record<string, string>, { taints = [] as Taint[], unschedulable = false } = {}): Node {
  const list = Object.entries(conditions).map(([type, status]) => ({
    type,
    status,
    lastHeartbeatTime: EARLIER,
    lastTransitionTime: EARLIER,
  }))
  return {
    metadata: { name: 'a', creationTimestamp: EARLIER },
    spec: { taints, ...(unschedulable ? { unschedulable } : {}) },
    status: { conditions: list },
  } as unknown as Node
}

test('a silent node: nobody knows its conditions any more; those of others stay', () => {
  const conditions = silentConditions(node({ NetworkUnavailable: 'False', Ready: 'True', MemoryPressure: 'False' }), NOW)
  const seen = Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason ?? ''}`]))
  assert.deepEqual(seen, {
    Ready: 'Unknown NodeStatusUnknown',
    MemoryPressure: 'Unknown NodeStatusUnknown',
    DiskPressure: 'Unknown NodeStatusNeverUpdated',
    PIDPressure: 'Unknown NodeStatusNeverUpdated',
    NetworkUnavailable: 'False ',
  })
  const ready = conditions.find(({ type }) => type === 'Ready')
  assert.deepEqual([ready?.lastHeartbeatTime, ready?.lastTransitionTime], [EARLIER, '2030-01-01T00:00:00Z'])
  assert.equal(ready?.message, 'Kubelet stopped posting node status.')
  assert.equal(conditions.find(({ type }) => type === 'DiskPressure')?.message, 'Kubelet never posted node status.')
})

test('said once, it is not said again with another time', () => {
  const silent = node({ Ready: 'True' })
  const first = silentConditions(silent, NOW)
  assert.deepEqual(silentConditions({ ...silent, status: { ...silent.status, conditions: first } }, NOW + 60_000), first)
})

describe('taints follow conditions', () => {
  const short = (taints: Taint[]) => taints.map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`)
  const cases: [string, Node, string[]][] = [
    ['ready', node({ Ready: 'True' }), []],
    ['not ready', node({ Ready: 'False' }), ['not-ready:NoSchedule', 'not-ready:NoExecute']],
    ['silent', node({ Ready: 'Unknown' }), ['unreachable:NoSchedule', 'unreachable:NoExecute']],
    ['memory', node({ Ready: 'True', MemoryPressure: 'True' }), ['memory-pressure:NoSchedule']],
    ['unknown memory', node({ Ready: 'True', MemoryPressure: 'Unknown' }), []],
    ['disk', node({ Ready: 'True', DiskPressure: 'True' }), ['disk-pressure:NoSchedule']],
    ['processes', node({ Ready: 'True', PIDPressure: 'True' }), ['pid-pressure:NoSchedule']],
    ['network', node({ Ready: 'True', NetworkUnavailable: 'True' }), ['network-unavailable:NoSchedule']],
    ['cordoned', node({ Ready: 'True' }, { unschedulable: true }), ['unschedulable:NoSchedule']],
  ]
  for (const [name, subject, expected] of cases) test(name, () => assert.deepEqual(short(taintsFor(subject, NOW)), expected))

  test('those that are over go, people’s own stay', () => {
    const own = { key: 'team', value: 'blue', effect: 'NoExecute' }
    const old = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: EARLIER }
    assert.deepEqual(taintsFor(node({ Ready: 'True' }, { taints: [own, old] }), NOW), [own])
  })
  test('evictions count from when the taint was first there', () => {
    const known = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: EARLIER }
    const again = taintsFor(node({ Ready: 'Unknown' }, { taints: [known] }), NOW).find(({ effect }) => effect === 'NoExecute')
    assert.equal(again?.timeAdded, EARLIER)
    const fresh = taintsFor(node({ Ready: 'Unknown' }), NOW).find(({ effect }) => effect === 'NoExecute')
    assert.equal(fresh?.timeAdded, '2030-01-01T00:00:00Z')
  })
  test('when nobody may be evicted, only new pods are kept away', () => {
    const known = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: EARLIER }
    assert.deepEqual(short(taintsFor(node({ Ready: 'Unknown' }, { taints: [known] }), NOW, false)), ['unreachable:NoSchedule'])
  })
  test('a node that has not spoken yet keeps the taint it was made with', () => {
    const made = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
    assert.deepEqual(taintsFor(node({}, { taints: [made] }), NOW), [made])
  })
})
