import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HPAScalingPolicy, HPAScalingRules } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { withCondition } from './autoscaler-conditions.ts'
import { type AutoscalerHistory, type LimitInput, limitReplicas, remembered } from './autoscaler-limits.ts'
import { type Answer, boundsFirst, demandOf, rescaleReason } from './autoscaler-plan.ts'

const now = 10_000_000
const seconds = (count: number) => now - count * 1000
const none: AutoscalerHistory = { recommendations: [], added: [], removed: [] }
const input = (current: number, wanted: number, more: Partial<LimitInput> = {}): LimitInput => ({
  ...{ current, wanted, min: 1, max: 100, behavior: undefined, downscaleWindow: 300_000, history: none, now },
  ...more,
})
const limited = (...given: Parameters<typeof input>) => {
  const { replicas, able, limit } = limitReplicas(input(...given))
  return [replicas, able.reason, limit.reason, limit.isLimited]
}

test('without a behaviour a size doubles at most, and shrinks after the highest recent recommendation', () => {
  const high = { ...none, recommendations: [{ replicas: 8, at: seconds(299) }] }
  const old = { ...none, recommendations: [{ replicas: 8, at: seconds(301) }] }
  const cases: [ReturnType<typeof limited>, ReturnType<typeof limited>][] = [
    [limited(3, 5), [5, 'ReadyForNewScale', 'DesiredWithinRange', false]],
    [limited(3, 50), [6, 'ReadyForNewScale', 'ScaleUpLimit', true]],
    [limited(1, 50), [4, 'ReadyForNewScale', 'ScaleUpLimit', true]],
    [limited(60, 150), [100, 'ReadyForNewScale', 'TooManyReplicas', true]],
    [limited(5, 1, { min: 2 }), [2, 'ReadyForNewScale', 'TooFewReplicas', true]],
    [limited(5, 0), [1, 'ReadyForNewScale', 'TooFewReplicas', true]],
    [limited(8, 3, { history: high }), [8, 'ScaleDownStabilized', 'DesiredWithinRange', false]],
    [limited(8, 3, { history: old }), [3, 'ReadyForNewScale', 'DesiredWithinRange', false]],
    [limited(4, 4), [4, 'ReadyForNewScale', 'DesiredWithinRange', false]],
  ]
  for (const [found, wanted] of cases) assert.deepEqual(found, wanted)
})

const pods = (value: number, periodSeconds = 60): HPAScalingPolicy => ({ type: 'Pods', value, periodSeconds })
const share = (value: number, periodSeconds = 60): HPAScalingPolicy => ({ type: 'Percent', value, periodSeconds })
const rules = (policies: HPAScalingPolicy[], more: Partial<HPAScalingRules> = {}): HPAScalingRules => ({
  ...{ stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies },
  ...more,
})
const both = (scaleUp: HPAScalingRules, scaleDown = scaleUp) => ({ behavior: { scaleUp, scaleDown } })

test('policies bound the pace, counted from the beginning of their period', () => {
  const added = (...changes: [number, number][]) => ({
    history: { ...none, added: changes.map(([replicas, ago]) => ({ replicas, at: seconds(ago) })) },
  })
  const removed = (...changes: [number, number][]) => ({
    history: { ...none, removed: changes.map(([replicas, ago]) => ({ replicas, at: seconds(ago) })) },
  })
  const cases: [string, Parameters<typeof input>, number, string][] = [
    ['four pods a minute', [5, 50, both(rules([pods(4)]))], 9, 'ScaleUpLimit'],
    ['three of which came already', [8, 50, { ...both(rules([pods(4)])), ...added([3, 30]) }], 9, 'ScaleUpLimit'],
    ['long ago does not count', [8, 50, { ...both(rules([pods(4)])), ...added([3, 61]) }], 12, 'ScaleUpLimit'],
    ['pods that went in the period came back first', [5, 50, { ...both(rules([pods(4)])), ...removed([2, 30]) }], 11, 'ScaleUpLimit'],
    ['more than allowed is not taken back', [10, 50, { ...both(rules([pods(4)])), ...added([9, 30]) }], 10, 'ScaleUpLimit'],
    ['half as many more, rounded up', [3, 50, both(rules([share(50)]))], 5, 'ScaleUpLimit'],
    ['a percent is a pod at least', [1, 50, both(rules([share(1)]))], 2, 'ScaleUpLimit'],
    ['ten percent of ten is one', [10, 50, both(rules([share(10)]))], 11, 'ScaleUpLimit'],
    ['the larger of two', [10, 50, both(rules([pods(4), share(100)]))], 20, 'ScaleUpLimit'],
    ['the smaller of two', [10, 50, both(rules([pods(4), share(100)], { selectPolicy: 'Min' }))], 14, 'ScaleUpLimit'],
    ['none at all', [10, 50, both(rules([pods(4)], { selectPolicy: 'Disabled' }))], 10, 'ScaleUpLimit'],
    ['the bound is nearer', [10, 50, { ...both(rules([pods(40)])), max: 20 }], 20, 'TooManyReplicas'],
    ['four fewer a minute', [20, 1, both(rules([pods(4)]))], 16, 'ScaleDownLimit'],
    ['three went already', [20, 1, { ...both(rules([pods(4)])), ...removed([3, 30]) }], 19, 'ScaleDownLimit'],
    ['half of them', [15, 1, both(rules([share(50)]))], 7, 'ScaleDownLimit'],
    ['the larger change', [100, 1, both(rules([pods(5), share(10)]))], 90, 'ScaleDownLimit'],
    ['the smaller change', [100, 1, both(rules([pods(5), share(10)], { selectPolicy: 'Min' }))], 95, 'ScaleDownLimit'],
    ['never down', [20, 1, both(rules([pods(4)]), rules([pods(4)], { selectPolicy: 'Disabled' }))], 20, 'ScaleDownLimit'],
    ['all of them', [20, 0, both(rules([share(100)]))], 1, 'TooFewReplicas'],
    ['within', [5, 6, both(rules([pods(4)]))], 6, 'DesiredWithinRange'],
  ]
  for (const [what, given, replicas, reason] of cases) {
    const found = limitReplicas(input(...given))
    assert.deepEqual([found.replicas, found.limit.reason], [replicas, reason], what)
    assert.equal(found.limit.isLimited, reason !== 'DesiredWithinRange', what)
  }
})

test('windows hold a size: the lowest recent wish upwards, the highest downwards, and what lies between stays', () => {
  const recommendations = [
    { replicas: 4, at: seconds(50) },
    { replicas: 9, at: seconds(20) },
  ]
  const history = { ...none, recommendations }
  const windows = (up: number, down: number) =>
    both(rules([pods(100)], { stabilizationWindowSeconds: up }), rules([pods(100)], { stabilizationWindowSeconds: down }))
  const held = (current: number, wanted: number, up: number, down: number) =>
    limited(current, wanted, { ...windows(up, down), history }).slice(0, 2)
  assert.deepEqual(held(3, 8, 60, 0), [4, 'ScaleUpStabilized'])
  assert.deepEqual(held(3, 8, 30, 0), [8, 'ReadyForNewScale'])
  assert.deepEqual(held(12, 2, 0, 60), [9, 'ScaleDownStabilized'])
  assert.deepEqual(held(12, 2, 0, 10), [2, 'ReadyForNewScale'])
  assert.deepEqual(held(6, 8, 60, 60), [6, 'ScaleUpStabilized'], 'between the lowest and the highest nothing moves')
  const open = { behavior: { scaleUp: rules([pods(1)]), scaleDown: { policies: [share(100, 15)], selectPolicy: 'Max' } }, history }
  assert.deepEqual(limited(12, 2, open).slice(0, 2), [9, 'ScaleDownStabilized'], 'without a window of its own: the flag’s')
})

test('what is remembered is what can still matter', () => {
  const history: AutoscalerHistory = {
    recommendations: [
      { replicas: 1, at: seconds(400) },
      { replicas: 2, at: seconds(100) },
    ],
    added: [
      { replicas: 1, at: seconds(70) },
      { replicas: 2, at: seconds(10) },
    ],
    removed: [],
  }
  const settings = { ...both(rules([pods(1, 60)])), downscaleWindow: 300_000, now }
  const next = remembered(
    history,
    { wanted: 7, from: 3, to: 1 },
    { ...settings, behavior: { ...settings.behavior, scaleDown: { policies: [] } } },
  )
  assert.deepEqual(next, {
    recommendations: [
      { replicas: 2, at: seconds(100) },
      { replicas: 7, at: now },
    ],
    added: [{ replicas: 2, at: seconds(10) }],
    removed: [{ replicas: 2, at: now }],
  })
  const plain = remembered(none, { from: 1, to: 3 }, { behavior: undefined, downscaleWindow: 0, now })
  assert.deepEqual(plain, none, 'without a behaviour no pace is counted')
})

const size = (replicas: number, what: string): Answer => ({ replicas, what, status: { type: what } })
const unknown = (reason: string): Answer => ({ reason, message: `${reason}!`, summary: `${reason}!!`, type: 'Pods' })

test('several metrics: the largest counts, and an unknown one holds what would shrink', () => {
  const found = (answers: Answer[], current: number) => {
    const demand = demandOf(answers, current)
    return demand.kind === 'size' ? [demand.replicas, demand.what] : [demand.reason, demand.summary]
  }
  assert.deepEqual(found([size(3, 'a'), size(5, 'b'), size(4, 'c')], 4), [5, 'b'])
  assert.deepEqual(found([size(0, 'a'), size(0, 'b')], 4), [0, 'b'])
  assert.deepEqual(found([unknown('X'), size(5, 'b')], 4), [5, 'b'])
  assert.deepEqual(found([unknown('X'), size(3, 'b')], 4), ['X', 'invalid metrics (1 invalid out of 2), first error is: X!!'])
  assert.deepEqual(found([unknown('X'), unknown('Y')], 4), ['X', 'invalid metrics (2 invalid out of 2), first error is: X!!'])
  assert.deepEqual(demandOf([unknown('X'), size(5, 'b')], 4).statuses, [{ type: '' }, { type: 'b' }])
})

test('bounds come before metrics, and a target of zero switches it off', () => {
  assert.deepEqual(boundsFirst({ current: 0, min: 1, max: 5 }), { kind: 'off' })
  assert.deepEqual(boundsFirst({ current: 0, min: 0, max: 5 }), { kind: 'measure' })
  assert.deepEqual(boundsFirst({ current: 3, min: 1, max: 5 }), { kind: 'measure' })
  assert.deepEqual(boundsFirst({ current: 9, min: 1, max: 5 }), {
    ...{ kind: 'step', replicas: 5, why: 'Current number of replicas above Spec.MaxReplicas' },
  })
  assert.deepEqual(boundsFirst({ current: 1, min: 2, max: 5 }), {
    ...{ kind: 'step', replicas: 2, why: 'Current number of replicas below Spec.MinReplicas' },
  })
  assert.equal(rescaleReason({ replicas: 5, what: 'cpu resource' }, 3), 'cpu resource above target')
  assert.equal(rescaleReason({ replicas: 2, what: 'cpu resource' }, 3), 'All metrics below target')
})

test('a condition’s time changes with its status, not with its words', () => {
  const first = withCondition([], 'AbleToScale', true, { reason: 'A', message: 'a' }, 0)
  const second = withCondition(first, 'AbleToScale', true, { reason: 'B', message: 'b' }, 60_000)
  const third = withCondition(second, 'AbleToScale', false, { reason: 'C', message: 'c' }, 120_000)
  assert.deepEqual(
    [first, second, third].map(([one]) => [one?.reason, one?.lastTransitionTime]),
    [
      ['A', '1970-01-01T00:00:00Z'],
      ['B', '1970-01-01T00:00:00Z'],
      ['C', '1970-01-01T00:02:00Z'],
    ],
  )
})
