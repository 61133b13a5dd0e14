import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Deployment, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import { seededRandom } from '../../shared/random/random.ts'
import { boundsOf, MAX_REPLICAS_ANNOTATION, newReplicas, oldReplicas, podsOf, proportionalReplicas } from './rolling-update.ts'

type Rolling = { maxSurge?: number | string; maxUnavailable?: number | string }

function deployment(replicas: number, rollingUpdate: Rolling = {}, type = 'RollingUpdate'): Deployment {
  const strategy = type === 'Recreate' ? { type } : { type, rollingUpdate }
  return { metadata: {}, spec: { replicas, strategy, selector: {}, template: {} }, status: {} } as unknown as Deployment
}

let serial = 0
function set(replicas: number, available = replicas, max?: number): ReplicaSet {
  serial += 1
  const annotations = max === undefined ? {} : { [MAX_REPLICAS_ANNOTATION]: String(max) }
  const creationTimestamp = new Date(Date.UTC(2030, 0, 1, 0, 0, serial)).toISOString()
  return {
    metadata: { uid: `set-${serial}`, name: `set-${serial}`, annotations, creationTimestamp },
    spec: { replicas, selector: {} },
    status: { replicas, availableReplicas: available },
  } as unknown as ReplicaSet
}

const sizes = (sets: ReplicaSet[], next: Map<string, number>) =>
  sets.map((each) => next.get(each.metadata.uid ?? '') ?? each.spec.replicas ?? 0)

describe('bounds', () => {
  const cases: [Rolling, number, { surge: number; unavailable: number }][] = [
    [{}, 10, { surge: 3, unavailable: 2 }],
    [{}, 1, { surge: 1, unavailable: 0 }],
    [{ maxSurge: 0, maxUnavailable: '10%' }, 5, { surge: 0, unavailable: 1 }],
    [{ maxSurge: '100%', maxUnavailable: 0 }, 4, { surge: 4, unavailable: 0 }],
    [{ maxSurge: 0, maxUnavailable: 9 }, 4, { surge: 0, unavailable: 4 }],
    [{}, 0, { surge: 0, unavailable: 0 }],
  ]
  for (const [rolling, replicas, expected] of cases) {
    test(`${JSON.stringify(rolling)} of ${replicas}`, () => {
      const bounds = boundsOf(deployment(replicas, rolling))
      // Both zero would never move; of none, one more or fewer makes no difference.
      assert.deepEqual(bounds, replicas === 0 ? { surge: 0, unavailable: 1 } : expected)
    })
  }
  test('Recreate has no bounds', () => assert.deepEqual(boundsOf(deployment(3, {}, 'Recreate')), { surge: 0, unavailable: 3 }))
  test('what is no number and no percentage is nothing', () => assert.equal(podsOf('many', 10, Math.ceil), 0))
})

test('the new set grows into the room that is there', () => {
  const wanted = deployment(10)
  const fresh = set(0)
  assert.equal(newReplicas(wanted, fresh, [set(10), fresh]), 3)
  const grown = set(3)
  assert.equal(newReplicas(wanted, grown, [set(8), grown]), 5)
  assert.equal(newReplicas(wanted, grown, [set(10), grown]), 3, 'no room: it stays')
  assert.equal(newReplicas(deployment(2), grown, [set(0), grown]), 2, 'never more than wanted')
  assert.equal(newReplicas(deployment(4, {}, 'Recreate'), fresh, [fresh]), 4)
})

test('broken old pods go first, then the oldest set, and never more than may be missing', () => {
  const [older, broken, fresh] = [set(5), set(5, 0), set(3, 0)]
  assert.deepEqual(sizes([older, broken], oldReplicas(deployment(10), fresh, [older, broken])), [5, 3], 'only the surplus goes')
  const ready = set(3, 3)
  assert.deepEqual(sizes([older, broken], oldReplicas(deployment(10), ready, [older, broken])), [5, 0])
  const [a, b, c] = [set(4), set(4), set(3)]
  assert.deepEqual(sizes([a, b], oldReplicas(deployment(8), c, [a, b])), [0, 3])
})

test('a status that has not caught up with a smaller size frees nobody', () => {
  const stale = set(8, 10)
  assert.equal(oldReplicas(deployment(10), set(5, 0), [stale]).size, 0)
  assert.equal(oldReplicas(deployment(10), set(5, 1), [stale]).get(stale.metadata.uid ?? ''), 7)
})

test('scaled in the middle, the difference is spread over the sets by their size', () => {
  const cases: [string, number, [number, number][], number[]][] = [
    // wanted, [size, max when last scaled] of each set, expected sizes; surge 25 %
    [
      'up',
      20,
      [
        [8, 13],
        [5, 13],
      ],
      [15, 10],
    ],
    [
      'up by far',
      30,
      [
        [8, 13],
        [5, 13],
      ],
      [23, 15],
    ],
    [
      'down',
      5,
      [
        [8, 13],
        [5, 13],
      ],
      [4, 3],
    ],
    [
      'to nothing',
      0,
      [
        [8, 13],
        [5, 13],
      ],
      [0, 0],
    ],
    [
      'unchanged',
      10,
      [
        [8, 13],
        [5, 13],
      ],
      [8, 5],
    ],
    [
      'one more',
      11,
      [
        [8, 13],
        [5, 13],
      ],
      [9, 5],
    ],
  ]
  for (const [name, wanted, sets, expected] of cases) {
    const made = sets.map(([size, max]) => set(size, size, max))
    assert.deepEqual(sizes(made, proportionalReplicas(deployment(wanted), made)), expected, name)
  }
})

test('whatever the sizes, proportional scaling ends at exactly what is allowed', () => {
  const random = seededRandom(11)
  const upTo = (limit: number) => Math.floor(random.fraction() * (limit + 1))
  for (let round = 0; round < 2_000; round++) {
    const before = Array.from({ length: 2 + upTo(3) }, () => 1 + upTo(20))
    const max = before.reduce((sum, size) => sum + size, upTo(5))
    const made = before.map((size) => set(size, 0, max))
    const wanted = deployment(upTo(40))
    const next = sizes(made, proportionalReplicas(wanted, made))
    const total = next.reduce((sum, size) => sum + size, 0)
    const allowed = wanted.spec.replicas === 0 ? 0 : (wanted.spec.replicas ?? 1) + boundsOf(wanted).surge
    assert.equal(total, allowed, `round ${round}: ${before} → ${next}`)
    assert.ok(
      next.every((size) => size >= 0),
      `round ${round}: ${next}`,
    )
  }
})

test('a simulated rollout of any size stays within its bounds and ends', () => {
  const random = seededRandom(5)
  const upTo = (limit: number) => Math.floor(random.fraction() * (limit + 1))
  for (let round = 0; round < 300; round++) {
    const wanted = 1 + upTo(30)
    const rolling = { maxSurge: `${upTo(100)}%`, maxUnavailable: `${upTo(100)}%` }
    const target = deployment(wanted, rolling)
    const { surge, unavailable } = boundsOf(target)
    const olds = [set(wanted)]
    const fresh = set(0)
    let steps = 0
    for (; steps < 1_000 && ((fresh.status.availableReplicas ?? 0) < wanted || olds.some((old) => (old.spec.replicas ?? 0) > 0)); steps++) {
      const all = [...olds, fresh]
      const before = fresh.spec.replicas ?? 0
      fresh.spec.replicas = newReplicas(target, fresh, all)
      if (fresh.spec.replicas === before) {
        const next = oldReplicas(target, fresh, olds)
        for (const old of olds) old.spec.replicas = next.get(old.metadata.uid ?? '') ?? old.spec.replicas
      }
      const total = all.reduce((sum, each) => sum + (each.spec.replicas ?? 0), 0)
      assert.ok(total <= wanted + surge, `round ${round}: ${total} of ${wanted} with ${JSON.stringify(rolling)}`)
      // The sets catch up with their sizes and with some of their pods, sooner or later.
      for (const each of all) if (random.fraction() < 0.7) each.status.replicas = each.spec.replicas ?? 0
      const present = all.reduce((sum, each) => sum + Math.max(each.status.replicas, each.spec.replicas ?? 0), 0)
      assert.ok(present <= wanted + surge, `round ${round}: ${present} present of ${wanted} with ${JSON.stringify(rolling)}`)
      for (const old of olds) old.status.availableReplicas = Math.min(old.status.availableReplicas ?? 0, old.status.replicas)
      if (random.fraction() < 0.7)
        fresh.status.availableReplicas = Math.min((fresh.status.availableReplicas ?? 0) + 1 + upTo(3), fresh.status.replicas)
      const available = all.reduce((sum, each) => sum + Math.min(each.status.availableReplicas ?? 0, each.spec.replicas ?? 0), 0)
      assert.ok(available >= wanted - unavailable, `round ${round}: ${available} available of ${wanted} with ${JSON.stringify(rolling)}`)
    }
    assert.ok(steps < 1_000, `round ${round} stands still: ${wanted} with ${JSON.stringify(rolling)}`)
  }
})
