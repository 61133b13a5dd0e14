import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { thresholdsOf } from './thresholds.ts'
import { type Candidate, evictionMessage, rankVictims } from './victims.ts'

const MI = 2 ** 20

/** A pod that asks for so many Mi and uses so many. */
function candidate(
  name: string,
  asked: number,
  used: number | undefined,
  { priority, ...more }: { priority?: number; phase?: string } = {},
): Candidate {
  const requests = asked === 0 ? {} : { memory: `${asked}Mi`, 'ephemeral-storage': `${asked}Mi` }
  const pod: Pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'n', uid: name, resourceVersion: '1' } },
    spec: { containers: [{ name: 'main', resources: { requests } }], ...(priority === undefined ? {} : { priority }) },
    status: { phase: 'Running', ...more },
  }
  return { pod, containers: used === undefined ? undefined : new Map([['main', used * MI]]), besides: 0 }
}

for (const [what, starved, candidates, order] of [
  [
    'who uses more than it asked for goes before who does not, whatever it matters',
    'memory',
    [candidate('modest', 100, 90), candidate('greedy', 10, 20, { priority: 1000 })],
    ['greedy', 'modest'],
  ],
  [
    'among the greedy, who matters less goes first, however little it is',
    'memory',
    [candidate('dear', 0, 500, { priority: 10 }), candidate('cheap', 0, 1, { priority: 5 }), candidate('plain', 0, 1)],
    ['plain', 'cheap', 'dear'],
  ],
  [
    'among equals, who is furthest above what it asked for',
    'ephemeral-storage',
    [candidate('a', 100, 300), candidate('b', 0, 250), candidate('c', 250, 300)],
    ['b', 'a', 'c'],
  ],
  ['among the modest, who has least left of what it asked for', 'memory', [candidate('a', 100, 50), candidate('b', 100, 99)], ['b', 'a']],
  ['who could not be measured counts as the worst', 'memory', [candidate('a', 0, 900), candidate('b', 100, undefined)], ['b', 'a']],
  [
    'critical and ended pods are spared',
    'memory',
    [candidate('critical', 0, 900, { priority: 2_000_000_000 }), candidate('ended', 0, 1, { phase: 'Failed' }), candidate('a', 9, 1)],
    ['a'],
  ],
  [
    'where processes are short, only who matters less counts',
    'pids',
    [candidate('a', 0, 9, { priority: 1 }), candidate('b', 9, 0)],
    ['b', 'a'],
  ],
] as const) {
  test(what, () =>
    assert.deepEqual(
      rankVictims(starved, candidates).map(({ pod }) => pod.metadata.name),
      order,
    ),
  )
}

test('the message says what was short, by how much, and whose fault it was', () => {
  const none = { evictionSoft: [], evictionSoftGracePeriod: [], evictionMinimumReclaim: [] }
  const [bytes, share, files] = thresholdsOf({
    ...none,
    evictionHard: ['memory.available<100Mi', 'nodefs.available<10%', 'nodefs.inodesFree<5'],
  })
  assert.ok(bytes && share && files)
  const amount = { available: 90 * MI, capacity: 2000 * MI }
  assert.equal(
    evictionMessage('memory', candidate('a', 10, 20), bytes, amount),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container main was using 20Mi, request is 10Mi, has larger consumption of memory. ',
  )
  assert.equal(
    evictionMessage('ephemeral-storage', candidate('a', 0, 20), share, amount),
    'The node was low on resource: ephemeral-storage. Threshold quantity: 200Mi, available: 90Mi. Container main was using 20Mi, request is 0, has larger consumption of ephemeral-storage. ',
  )
  assert.equal(
    evictionMessage('memory', candidate('a', 30, 20), bytes, amount),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. ',
  )
  assert.equal(
    evictionMessage('inodes', candidate('a', 0, 1), files, { available: 3, capacity: 9 }),
    'The node was low on resource: inodes. Threshold quantity: 5, available: 3. ',
  )
})
