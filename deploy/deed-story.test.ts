import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ShownDeed, storyLines } from './deed-story.ts'

const deed = (revision: string, more: Partial<ShownDeed>): ShownDeed => ({
  ...{ revision, time: '2026-01-31T12:00:01.250Z', type: 'created', resource: 'pods', namespace: 'default', name: 'web-1' },
  request: { verb: 'create', user: 'system:kube-controller-manager' },
  ...more,
})

test('each deed stands under what made it happen, in plain words when somebody acts for the first time', () => {
  const lines = storyLines([
    deed('7', { resource: 'deployments', name: 'web', request: { verb: 'create', user: 'jane', allowedBy: 'RBAC: jane-edits' } }),
    deed('8', { resource: 'replicasets', name: 'web-1', cause: { by: 'deployment', revision: '7' } }),
    deed('9', { cause: { by: 'replicaset', revision: '8' }, told: { watches: 2, users: ['a', 'b'], afterMilliseconds: 1 } }),
  ])
  assert.deepEqual(lines, [
    '12:00:01.250       7 created  deployments/default/web',
    '    jane asked for it (create), and may: RBAC: jane-edits',
    '  12:00:01.250       8 created  replicasets/default/web-1',
    '      deployment, because of revision 7',
    '      (the Deployment controller, which keeps a ReplicaSet for each version of the template)',
    '    12:00:01.250       9 created  pods/default/web-1',
    '        replicaset, because of revision 8',
    '        (the ReplicaSet controller, which keeps as many Pods as are wanted)',
    '        told to 2 watches after 1 ms: a, b',
  ])
})

test('what a sender said tells the terminal nothing', () => {
  const [, line] = storyLines([deed('7', { cause: { by: 'x', revision: '1', why: '\u001b[31mred\nline' } })])
  assert.doesNotMatch(line!, /[\u0000-\u001f]/)
})
