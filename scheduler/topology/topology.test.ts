import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { made } from '../../test/harness/admission-trial.ts'
import { ClusterState } from '../cluster-state.ts'
import type { NodeInfo } from '../node-info.ts'

const ZONE = 'topology.kubernetes.io/zone'
const everyPod = { text: 'every pod', marks: [], asksNamespaces: false, holds: () => true }

const node = (name: string, zone: string): Node => made('v1', 'Node', { metadata: { name, labels: { [ZONE]: zone } } })
const pod = (name: string, nodeName: string): Pod =>
  made('v1', 'Pod', { metadata: { name, uid: name, namespace: 'x' }, spec: { containers: [], nodeName } })

function subject() {
  const state = new ClusterState()
  const counts = () => state.topology.counts(everyPod, ZONE)
  const beside = (name: string) => counts().in(counts().domains.column.of(state.nodes.get(name) as NodeInfo))
  return { state, counts, beside }
}

test('a domain may hold more pods than a byte counts, and come down again', () => {
  const { state, counts, beside } = subject()
  for (const [name, zone] of [
    ['a', 'one'],
    ['b', 'two'],
  ] as const)
    state.setNode(node(name, zone))
  const kept = counts()
  for (let index = 0; index < 600; index += 1) state.setPod(pod(`p${index}`, 'a'))
  state.setPod(pod('q', 'b'))
  assert.deepEqual([beside('a'), beside('b'), kept.least()], [600, 1, 1])
  for (let index = 0; index < 599; index += 1) state.removePod(`p${index}`)
  assert.deepEqual([beside('a'), beside('b'), counts() === kept], [1, 1, true])
})

test('values that come after others have gone are counted from nothing', () => {
  const { state, counts, beside } = subject()
  for (let index = 0; index < 200; index += 1) {
    state.setNode(node(`n${index}`, `zone-${index}`))
    state.setPod(pod(`p${index}`, `n${index}`))
    assert.deepEqual([beside(`n${index}`), counts().domains.size], [1, Math.min(index + 1, 3)])
    if (index < 2) continue
    const old = `n${index - 2}`
    state.removeNode(old)
    state.removePod(`p${index - 2}`)
  }
  assert.ok(counts().domains.column.end <= 5, 'numbers are given again')
  state.setNode(node('n199', 'elsewhere'))
  assert.deepEqual([beside('n199'), beside('n198')], [1, 1], 'a node that moves takes its pods along')
  state.setNode(made('v1', 'Node', { metadata: { name: 'n199' } }))
  assert.deepEqual([beside('n199'), counts().domains.size], [0, 1], 'and without the label they are nowhere')
})
