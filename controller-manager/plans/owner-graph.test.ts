import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { blocking, FOREGROUND, type GraphNode, graphNode, ORPHAN, OwnerGraph, type OwnerState, verdict } from './owner-graph.ts'

function node(uid: string, owners: string[] = [], more: Partial<GraphNode> = {}): GraphNode {
  const references = owners.map((owner) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid: owner }))
  const facts = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'x', name: uid, resourceVersion: '1' }
  return { uid, ...facts, owners: references, finalizers: [], deleting: false, ...more }
}

describe('what becomes of a dependent', () => {
  const cases: [string, Record<string, OwnerState>, { finalizers?: string[]; dependents?: boolean }, object][] = [
    ['its owners are there', { a: 'solid', b: 'solid' }, {}, { what: 'keep' }],
    ['all are gone', { a: 'absent', b: 'absent' }, {}, { what: 'delete', policy: 'Background' }],
    ['some are gone', { a: 'solid', b: 'absent' }, {}, { what: 'dropReferences', uids: ['b'] }],
    ['one waits for it, another is there', { a: 'solid', b: 'waiting' }, {}, { what: 'dropReferences', uids: ['b'] }],
    ['its owner waits and it owns nothing', { a: 'waiting' }, {}, { what: 'delete', policy: 'Background' }],
    ['its owner waits and it owns something', { a: 'waiting' }, { dependents: true }, { what: 'delete', policy: 'Foreground' }],
    ['gone, and its own dependents are to be orphaned', { a: 'absent' }, { finalizers: [ORPHAN] }, { what: 'delete', policy: 'Orphan' }],
    ['gone, and it is to wait', { a: 'absent' }, { finalizers: [FOREGROUND] }, { what: 'delete', policy: 'Foreground' }],
  ]
  for (const [name, states, { finalizers = [], dependents = false }, expected] of cases) {
    test(name, () => {
      const subject = node('subject', Object.keys(states), { finalizers })
      assert.deepEqual(verdict(subject, new Map(Object.entries(states)), dependents), expected)
    })
  }
})

test('dependents come and go with their references', () => {
  const graph = new OwnerGraph()
  const dependents = (uid: string) => graph.dependentsOf(uid).map((each) => each.uid)
  graph.set(node('a'))
  graph.set(node('b', ['a']))
  graph.set(node('c', ['a', 'gone']))
  assert.deepEqual([dependents('a'), dependents('gone'), dependents('b')], [['b', 'c'], ['c'], []])
  graph.set(node('b', ['c']))
  assert.deepEqual([dependents('a'), dependents('c')], [['c'], ['b']])
  graph.delete('c')
  assert.deepEqual([dependents('a'), dependents('gone')], [[], []])
  assert.deepEqual(dependents('c'), ['b'], 'b still names an owner that is gone')
  assert.deepEqual(
    graph.ofKind('v1/ConfigMap').map((each) => each.uid),
    ['a', 'b'],
  )
})

test('an owner in the foreground waits only for those that block it', () => {
  const owner = node('owner', [], { deleting: true, finalizers: [FOREGROUND] })
  const blocker = node('blocker')
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'owner' }
  const blocked = { ...blocker, owners: [{ ...reference, blockOwnerDeletion: true }] }
  const free = { ...node('free'), owners: [reference] }
  const other = { ...node('other'), owners: [{ ...reference, uid: 'else', blockOwnerDeletion: true }] }
  assert.deepEqual(
    blocking(owner, [blocked, free, other]).map((each) => each.uid),
    ['blocker'],
  )
})

test('a node is what its metadata says', () => {
  const metadata = {
    name: 'web',
    namespace: 'x',
    uid: '1',
    resourceVersion: '7',
    deletionTimestamp: '2030-01-01T00:00:00Z',
    finalizers: ['f'],
  }
  const made = graphNode({ apiVersion: '', kind: '', metadata }, { apiVersion: 'apps/v1', kind: 'Deployment' })
  const expected = { uid: '1', apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'x', name: 'web', resourceVersion: '7' }
  assert.deepEqual(made, { ...expected, owners: [], finalizers: ['f'], deleting: true })
})
