import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatefulSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isHeldBack, maxUnavailableOf, planStatefulPods } from './stateful-pods.ts'
import { statefulStatus } from './stateful-status.ts'

const NOW = Date.UTC(2030, 0, 1, 0, 1)
const second = (offset: number) => new Date(NOW + offset * 1_000).toISOString()

interface Spec {
  replicas?: number
  parallel?: boolean
  strategy?: object
  start?: number
  currentReplicas?: number
}

function setOf({ replicas = 3, parallel = false, strategy = { partition: 0 }, start = 0, currentReplicas }: Spec = {}): StatefulSet {
  return {
    metadata: { name: 'web', generation: 7 },
    spec: {
      ...{ replicas, minReadySeconds: 10, podManagementPolicy: parallel ? 'Parallel' : 'OrderedReady', ordinals: { start } },
      updateStrategy: 'type' in strategy ? strategy : { type: 'RollingUpdate', rollingUpdate: strategy },
    },
    status: { replicas: 0, availableReplicas: 0, currentReplicas },
  } as unknown as StatefulSet
}

/**
 * Pods by their letters, in the order of their ordinals, from `first` on; `.` for none: `n` of the new template, `o` of the old one; `!` not
 * ready, `?` ready for a second only, `p` pending; `x` failed, `s` succeeded; `-` going.
 */
function podsFrom(letters: string, first = 0): Pod[] {
  return letters.split(' ').flatMap((each, index) => {
    if (each === '.') return []
    const conditions = /[!psx]/.test(each)
      ? []
      : [{ type: 'Ready', status: 'True', lastTransitionTime: second(each.includes('?') ? -1 : -50) }]
    const phase = each.includes('x') ? 'Failed' : each.includes('s') ? 'Succeeded' : each.includes('p') ? 'Pending' : 'Running'
    const name = `web-${first + index}`
    const deletion = each.includes('-') ? { deletionTimestamp: second(0) } : {}
    const metadata = { name, uid: name, labels: { 'controller-revision-hash': each.includes('n') ? 'new' : 'old' }, ...deletion }
    return { metadata, spec: {}, status: { phase, conditions } } as unknown as Pod
  })
}

function said(letters: string, spec: Spec = {}, first = spec.start ?? 0, leaving: string[] = []): string {
  const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined || leaving.includes(metadata.name ?? '')
  const { create, remove } = planStatefulPods(podsFrom(letters, first), { set: setOf(spec), updateRevision: 'new', isGoing, now: NOW })
  return `+${create.join()} -${remove.map(({ metadata }) => metadata.name?.slice(4)).join()}`
}

test('in order: one after the other, from the lowest up', () => {
  const cases: [situation: string, expected: string][] = [
    ['.', '+0 -'],
    ['n', '+1 -'],
    // Neither a pod that is not ready yet, nor not for long enough, nor one that is going, has a successor.
    ['n!', '+ -'],
    ['n?', '+ -'],
    ['np', '+ -'],
    ['n-', '+ -'],
    ['n n n', '+ -'],
    // A gap is filled before anything else, and what is above it is left alone.
    ['n . n', '+1 -'],
    ['. n n!', '+0 -'],
    // What ended is removed, and comes again when it is gone.
    ['n x', '+ -1'],
    ['s n', '+ -0'],
    ['x- n', '+ -'],
  ]
  for (const [situation, expected] of cases) assert.equal(said(situation), expected, situation)
})

test('in order: scaling down goes from the highest, and halts while another pod is unhealthy', () => {
  const cases: [situation: string, replicas: number, expected: string][] = [
    ['n n n', 1, '+ -2'],
    ['n n n-', 1, '+ -'],
    ['n n! n', 1, '+ -2'],
    ['n n n!', 1, '+ -2'],
    ['n n! n!', 1, '+ -'],
    ['n! n n', 1, '+ -'],
    ['n! n! n!', 0, '+ -'],
    ['n! n- n', 0, '+ -2'],
    ['n', 0, '+ -0'],
    ['n! . .', 0, '+ -0'],
    // Before an update.
    ['o o o', 2, '+ -2'],
  ]
  for (const [situation, replicas, expected] of cases) assert.equal(said(situation, { replicas }), expected, `${situation} to ${replicas}`)
})

test('at once: everything that lacks is made, everything too many goes', () => {
  const parallel = true
  assert.equal(said('.', { parallel }), '+0,1,2 -')
  assert.equal(said('n! . n-', { parallel }), '+1 -')
  assert.equal(said('n x n', { parallel }), '+ -1')
  assert.equal(said('n! n! n! n', { parallel, replicas: 1 }), '+ -3,2,1')
  assert.equal(said('n n-', { parallel, replicas: 0 }), '+ -0')
})

test('ordinals may begin later; what is below the first is too many', () => {
  assert.equal(said('.', { start: 5, replicas: 2 }), '+5 -')
  assert.equal(said('n', { start: 5, replicas: 2 }), '+6 -')
  assert.equal(said('n n', { start: 5, replicas: 2 }), '+ -')
  // Moved up: the new places first, then the old ones from the highest.
  assert.equal(said('n n', { start: 5, replicas: 2 }, 0), '+5 -')
  assert.equal(said('n n . . . n n', { start: 5, replicas: 2 }, 0), '+ -1')
  assert.equal(said('n n', { start: 5, replicas: 2, parallel: true }, 4), '+6 -4')
})

test('a rolling update goes from the highest down to the partition', () => {
  const cases: [situation: string, strategy: object, expected: string][] = [
    ['o o o', {}, '+ -2'],
    ['o o n', {}, '+ -1'],
    ['o o n!', {}, '+ -'],
    ['o o n?', {}, '+ -'],
    ['o o o', { partition: 2 }, '+ -2'],
    ['o o n', { partition: 2 }, '+ -'],
    ['o o o', { partition: 3 }, '+ -'],
    ['o o o', { partition: 9 }, '+ -'],
    ['o o o', { maxUnavailable: 2 }, '+ -2,1'],
    ['o o o', { maxUnavailable: '100%' }, '+ -2,1,0'],
    ['o o o', { maxUnavailable: '10%' }, '+ -2'],
    ['o o o', { type: 'OnDelete' }, '+ -'],
    ['o . o', { type: 'OnDelete' }, '+1 -'],
    ['n n n', {}, '+ -'],
  ]
  for (const [situation, strategy, expected] of cases) {
    assert.equal(said(situation, { strategy }), expected, `${situation} ${JSON.stringify(strategy)}`)
  }
  // The partition counts places, wherever the ordinals begin.
  assert.equal(said('o o o', { strategy: { partition: 2 }, start: 4 }), '+ -6')
})

test('a broken rollout stands still in order, and is mended at once in parallel', () => {
  assert.equal(said('o o o!'), '+ -')
  assert.equal(said('o o o!', { parallel: true }), '+ -2')
  // What does not serve goes whatever the limit is, and counts: no other goes with it.
  assert.equal(said('o! o! o', { parallel: true }), '+ -1,0')
  assert.equal(said('o! o o', { parallel: true, strategy: { maxUnavailable: 2 } }), '+ -0,2')
  assert.equal(said('o o n!', { parallel: true }), '+ -')
  assert.equal(said('o o .', { parallel: true }), '+2 -')
})

test('a pod that was told to go is not taken for available', () => {
  assert.equal(said('o o o', {}, 0, ['web-2']), '+ -')
  assert.equal(said('n n o', { replicas: 1 }, 0, ['web-2']), '+ -')
  assert.equal(said('o o o', { parallel: true }, 0, ['web-1']), '+ -')
})

test('which template a place gets', () => {
  const held = (place: number, spec: Spec) => isHeldBack(setOf(spec), place)
  assert.deepEqual(
    [0, 1, 2].map((place) => held(place, { strategy: { partition: 2 } })),
    [true, true, false],
  )
  assert.deepEqual(
    [0, 1].map((place) => held(place, {})),
    [false, false],
  )
  assert.deepEqual(
    [0, 1, 2].map((place) => held(place, { strategy: { type: 'RollingUpdate' }, currentReplicas: 2 })),
    [true, true, false],
  )
  assert.equal(held(0, { strategy: { type: 'OnDelete' }, currentReplicas: 2 }), false)
})

test('how many may be unavailable: rounded down, and one at least', () => {
  const most = (maxUnavailable: number | string | undefined, replicas = 5) =>
    maxUnavailableOf(setOf({ replicas, strategy: { maxUnavailable } }))
  assert.deepEqual([most(undefined), most(2), most('50%'), most('10%'), most('100%'), most('30%', 0)], [1, 2, 2, 1, 5, 1])
})

test('the status counts pods; the present template becomes the current one when all are of it', () => {
  const status = (letters: string, spec: Spec = {}) =>
    statefulStatus(setOf(spec), podsFrom(letters), { current: 'old', update: 'new' }, NOW)
  assert.deepEqual(status('o n? n-'), {
    ...{ observedGeneration: 7, replicas: 3, readyReplicas: 3, availableReplicas: 2 },
    ...{ currentReplicas: 1, updatedReplicas: 1, currentRevision: 'old', updateRevision: 'new' },
  })
  assert.deepEqual([status('n n n').currentRevision, status('n n n').currentReplicas], ['new', 3])
  // Ready suffices; being of the old template, missing or too many does not.
  assert.equal(status('n n n?').currentRevision, 'new')
  for (const letters of ['n n n!', 'n n o', 'n n', 'n n n n']) assert.equal(status(letters).currentRevision, 'old', letters)
  assert.equal(status('n n n', { strategy: { type: 'OnDelete' } }).currentRevision, 'old')
})
