import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DaemonSetUpdateStrategy } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type DaemonFacts, type DaemonNode, daemonBounds, planDaemonPods, planDaemonUpdate } from './daemon-pods.ts'
import { daemonStatus } from './daemon-status.ts'

const NOW = Date.UTC(2030, 0, 1, 0, 1)
const second = (offset: number) => new Date(NOW + offset * 1_000).toISOString()

/**
 * A pod by its letters: `n` of the new template, else old; `!` not ready; `?` ready for a second only; `x` failed, `s` succeeded;
 * `-` going; `~` without a node. Earlier ones are older.
 */
function pod(name: string, letters: string): Pod {
  const isReady = !/[!xs]/.test(letters)
  const conditions = isReady ? [{ type: 'Ready', status: 'True', lastTransitionTime: second(letters.includes('?') ? -1 : -50) }] : []
  return {
    metadata: {
      ...{ name, uid: name, labels: letters.includes('n') ? { is: 'new' } : {}, creationTimestamp: second(-59) },
      ...(letters.includes('-') ? { deletionTimestamp: second(0) } : {}),
    },
    spec: letters.includes('~') ? {} : { nodeName: 'any' },
    status: { phase: letters.includes('x') ? 'Failed' : letters.includes('s') ? 'Succeeded' : 'Running', conditions },
  } as unknown as Pod
}

const RUN = { shouldRun: true, mayStay: true }
const STAY = { shouldRun: false, mayStay: true }
const LEAVE = { shouldRun: false, mayStay: false }

/** Nodes `a`, `b` … from the letters of their pods, separated by commas; pods are called `a1`, `a2` … */
function nodes(described: string, places: Record<string, DaemonNode['place']> = {}): DaemonNode[] {
  return described.split(' ').map((pods, index) => {
    const name = String.fromCharCode(97 + index)
    const letters = pods === '.' ? [] : pods.split(',')
    return { name, place: name in places ? places[name] : RUN, pods: letters.map((each, place) => pod(`${name}${place + 1}`, each)) }
  })
}

const rolling = (maxUnavailable: number | string, maxSurge: number | string = 0): DaemonSetUpdateStrategy => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxUnavailable, maxSurge },
})

const facts = (strategy: DaemonSetUpdateStrategy, more: Partial<DaemonFacts> = {}): DaemonFacts => ({
  ...{ strategy, minReadySeconds: 10, now: NOW },
  isNew: ({ metadata }) => metadata.labels?.['is'] === 'new',
  isLeaving: () => false,
  pauseOf: () => 0,
  ...more,
})

const said = ({ create, remove }: { create: readonly string[]; remove: readonly Pod[] }) =>
  `+${create.join()} -${remove.map(({ metadata }) => metadata.name).join()}`

test('one pod for each node that should have one', () => {
  const cases: [situation: string, places: Record<string, DaemonNode['place']>, expected: string][] = [
    ['o . o', {}, '+b -'],
    // What is going still has its place.
    ['o- .', {}, '+b -'],
    // Tainted against new ones: what is there stays, and nothing comes.
    ['o .', { a: STAY, b: STAY }, '+ -'],
    ['o o- o', { a: LEAVE, b: LEAVE }, '+ -a1'],
    // Not one too many; placed ones count first, then older ones.
    ['o,o o~,o', {}, '+ -a2,b1'],
    // A node that is gone keeps what was placed there for the pod collector.
    ['o,o~', { a: undefined }, '+ -a2'],
    ['x s o', {}, '+ -a1,b1'],
  ]
  for (const [situation, places, expected] of cases) {
    assert.equal(said(planDaemonPods(nodes(situation, places), facts(rolling(1)))), expected, situation)
  }
})

test('a failed pod is replaced when its node’s pause is over, a finished one at once', () => {
  const pauseOf = (node: string) => ({ a: 4_000, b: 2_000 })[node] ?? 0
  const plan = planDaemonPods(nodes('x x x s'), facts(rolling(1), { pauseOf }))
  assert.equal(said(plan), '+ -c1,d1')
  assert.equal(plan.retryAfter, 2_000)
  assert.deepEqual(
    plan.ended.map(({ node }) => node),
    ['c', 'd'],
  )
})

test('with surge, an old and a new pod share a node until the new one serves or the old one does not', () => {
  const cases: [situation: string, expected: string][] = [
    ['o,n!', '+ -'],
    ['o,n?', '+ -'],
    ['o,n', '+ -a1'],
    ['o!,n!', '+ -a1'],
    ['o,o,n!,n!', '+ -a2,a4'],
    // Nothing that stays: surging means not to wait for what is going.
    ['o-', '+a -'],
    ['x', '+a -a1'],
  ]
  for (const [situation, expected] of cases) {
    assert.equal(said(planDaemonPods(nodes(situation), facts(rolling(0, 1)))), expected, situation)
  }
})

test('bounds: percentages of the nodes are rounded up, and something may always move', () => {
  assert.deepEqual(daemonBounds(rolling('25%'), 5), { surge: 0, unavailable: 2 })
  assert.deepEqual(daemonBounds(rolling(0, '1%'), 5), { surge: 1, unavailable: 0 })
  assert.deepEqual(daemonBounds(rolling('100%'), 5), { surge: 0, unavailable: 5 })
  assert.deepEqual(daemonBounds(rolling(0, 0), 5), { surge: 0, unavailable: 1 })
  assert.deepEqual(daemonBounds(rolling('10%'), 0), { surge: 0, unavailable: 0 })
  assert.deepEqual(daemonBounds({ type: 'OnDelete' }, 5), { surge: 0, unavailable: 0 })
})

test('in place: old pods go while enough nodes are served', () => {
  const cases: [situation: string, limit: number | string, expected: string][] = [
    ['o o o', 1, '-a1'],
    ['o o o o', '50%', '-a1,b1'],
    ['n o o', 1, '-b1'],
    // A new pod that does not serve yet counts, and so does one that is going, and one that is missing.
    ['n! o o', 1, '-'],
    ['n? o o', 1, '-'],
    ['n- o o', 1, '-'],
    ['. o o', 1, '-'],
    ['n! o o', 2, '-b1'],
    // What does not serve is replaced whatever the limit is, and counts.
    ['o! o! o', 1, '-a1,b1'],
    ['o! o o', 2, '-a1,b1'],
    ['n n n', 3, '-'],
    // Two on one node: the step before sorts that out.
    ['o,n o', 1, '-'],
  ]
  for (const [situation, limit, expected] of cases) {
    assert.equal(said(planDaemonUpdate(nodes(situation), facts(rolling(limit)))), `+ ${expected}`, `${situation} with ${limit}`)
  }
  assert.equal(said(planDaemonUpdate(nodes('o o'), facts({ type: 'OnDelete' }))), '+ -')
})

test('in place: a pod that was told to go makes room for no other', () => {
  const isLeaving = ({ metadata }: Pod) => metadata.name === 'b1'
  assert.equal(said(planDaemonUpdate(nodes('o o o'), facts(rolling(1), { isLeaving }))), '+ -b1')
})

test('beside: new pods come while few enough nodes have two', () => {
  const cases: [situation: string, limit: number | string, expected: string][] = [
    ['o o o', 1, '+a -'],
    ['o o o', '50%', '+a,b -'],
    ['o,n! o o', 1, '+ -'],
    ['o,n? o o', 1, '+ -'],
    ['o,n o o', 1, '+b -a1'],
    // An old pod that does not serve gets its successor whatever the limit is.
    ['o! o,n! o', 1, '+a -'],
    ['n n n', 1, '+ -'],
    ['. o', 1, '+b -'],
  ]
  for (const [situation, limit, expected] of cases) {
    assert.equal(said(planDaemonUpdate(nodes(situation), facts(rolling(0, limit)))), expected, `${situation} with ${limit}`)
  }
  // Where no new pod would be let in, none is made.
  assert.equal(said(planDaemonUpdate(nodes('o', { a: STAY }), facts(rolling(0, 1)))), '+ -')
})

test('the status counts nodes', () => {
  const situation = nodes('n o n! . n? o', { f: LEAVE })
  assert.deepEqual(daemonStatus(situation, facts(rolling(1))), {
    ...{ desiredNumberScheduled: 5, currentNumberScheduled: 4, numberMisscheduled: 1, numberReady: 3 },
    ...{ updatedNumberScheduled: 3, numberAvailable: 2, numberUnavailable: 3 },
  })
})
