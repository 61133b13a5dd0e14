import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { mirrorOf, planMirrors } from './mirror-plan.ts'

const pod = (name: string, uid: string, metadata: object = {}): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { namespace: 'n', name, uid, annotations: { 'kubernetes.io/config.hash': uid }, ...metadata },
  spec: { containers: [] },
  status: {},
})
const mirror = (name: string, of: string, metadata: object = {}): Pod =>
  pod(name, `mirror-of-${of}`, { annotations: { 'kubernetes.io/config.mirror': of }, resourceVersion: '1', ...metadata })
const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z' }

for (const [what, pods, mirrors, complete, ending, create, remove] of [
  ['a pod without a mirror gets one', [pod('a', '1')], [], true, [], ['a'], []],
  ['one that shows it is left alone', [pod('a', '1')], [mirror('a', '1')], true, [], [], []],
  ['one of an older manifest goes first', [pod('a', '2')], [mirror('a', '1')], true, [], [], ['a']],
  ['one that somebody deletes is let go of', [pod('a', '1')], [mirror('a', '1', leaving)], true, [], [], ['a']],
  ['one of nothing goes', [], [mirror('a', '1')], true, [], [], ['a']],
  ['but not before all manifests were read', [], [mirror('a', '1')], false, [], [], []],
  ['and not while what it shows still runs', [], [mirror('a', '1'), mirror('b', '2')], true, ['n/a'], [], ['b']],
] as const) {
  test(what, () => {
    const plan = planMirrors(pods, mirrors, complete, (name) => (ending as readonly string[]).includes(name))
    const names = (list: readonly Pod[]) => list.map(({ metadata }) => metadata.name)
    assert.deepEqual([names(plan.create), names(plan.remove)], [create, remove])
  })
}

test('a mirror says whose it is and is owned by the node', () => {
  const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u-n1' }, spec: {}, status: {} } as Node
  const { metadata } = mirrorOf(pod('a', '1'), node)
  assert.equal(metadata.uid, undefined)
  assert.equal(metadata.annotations?.['kubernetes.io/config.mirror'], '1')
  assert.deepEqual(metadata.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u-n1', controller: true }])
})
