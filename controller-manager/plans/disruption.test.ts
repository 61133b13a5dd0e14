import assert from 'node:assert/strict'
import test from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import { expectedOf, failedStatus, needsScale, planDisruption } from './disruption.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')

function budget(spec: PodDisruptionBudget['spec'], status: Partial<PodDisruptionBudget['status']> = {}): PodDisruptionBudget {
  return {
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'b', namespace: 'a', generation: 3 }, spec },
    status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status },
  }
}

function pod(name: string, ready = true, metadata: Pod['metadata'] = {}): Pod {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: { containers: [] },
    status: { conditions },
  } as unknown as Pod
}

test('percentages are rounded up; numbers of pods that must stay need nobody to say how many there should be', () => {
  const cases: readonly [PodDisruptionBudget['spec'], number, number, { pods: number; healthy: number }][] = [
    [{ minAvailable: 2 }, 5, 0, { pods: 5, healthy: 2 }],
    [{ minAvailable: '50%' }, 5, 7, { pods: 7, healthy: 4 }],
    [{ maxUnavailable: '30%' }, 5, 7, { pods: 7, healthy: 4 }],
    [{ maxUnavailable: 1 }, 5, 7, { pods: 7, healthy: 6 }],
    [{ maxUnavailable: 9 }, 5, 7, { pods: 7, healthy: 0 }],
    [{ maxUnavailable: '0%' }, 5, 7, { pods: 7, healthy: 7 }],
    [{ minAvailable: '100%' }, 5, 7, { pods: 7, healthy: 7 }],
    [{}, 5, 7, { pods: 0, healthy: 0 }],
  ]
  for (const [spec, pods, scale, expected] of cases) assert.deepEqual(expectedOf(budget(spec), pods, scale), expected, JSON.stringify(spec))
  assert.equal(needsScale(budget({ minAvailable: 1 })), false)
  assert.equal(needsScale(budget({ minAvailable: '1%' })), true)
  assert.equal(needsScale(budget({ maxUnavailable: 0 })), true)
})

test('only ready pods that are not on their way out are healthy', () => {
  const pods = [pod('a'), pod('b'), pod('c', false), pod('d', true, { deletionTimestamp: '2026-01-01T00:09:00Z' })]
  const { status } = planDisruption(budget({ minAvailable: 1 }), pods, { pods: 4, healthy: 1 }, NOW)
  assert.deepEqual([status.currentHealthy, status.disruptionsAllowed, status.expectedPods], [2, 1, 4])
  assert.equal(status.observedGeneration, 3)
  const condition = status.conditions?.[0]
  assert.deepEqual([condition?.type, condition?.status, condition?.reason], ['DisruptionAllowed', 'True', 'SufficientPods'])
})

test('a budget without pods allows nothing', () => {
  const { status } = planDisruption(budget({ minAvailable: 0 }), [], { pods: 0, healthy: 0 }, NOW)
  assert.deepEqual([status.disruptionsAllowed, status.conditions?.[0]?.reason], [0, 'InsufficientPods'])
})

test('an evicted pod counts as gone for two minutes, then it counts again and is told of', () => {
  const disruptedPods = { a: '2026-01-01T00:09:00Z', b: '2026-01-01T00:07:59Z', gone: '2026-01-01T00:09:00Z' }
  const plan = planDisruption(budget({ minAvailable: 1 }, { disruptedPods }), [pod('a'), pod('b')], { pods: 2, healthy: 1 }, NOW)
  assert.deepEqual(plan.status.disruptedPods, { a: '2026-01-01T00:09:00Z' })
  assert.equal(plan.status.currentHealthy, 1)
  assert.equal(plan.recheckAt, Date.parse('2026-01-01T00:11:00Z'))
  assert.deepEqual(
    plan.notDeleted.map(({ metadata }) => metadata.name),
    ['b'],
  )
})

test('a pod with the name of something that every object has was not evicted', () => {
  const { status } = planDisruption(budget({ minAvailable: 0 }), [pod('constructor')], { pods: 1, healthy: 0 }, NOW)
  assert.equal(status.currentHealthy, 1)
})

test('a condition keeps its time while it says the same', () => {
  const before = budget({ minAvailable: 1 })
  const first = planDisruption(before, [pod('a'), pod('b')], { pods: 2, healthy: 1 }, NOW)
  const again = planDisruption({ ...before, status: first.status }, [pod('a'), pod('b')], { pods: 2, healthy: 1 }, NOW + 60_000)
  assert.deepEqual(again.status, first.status)
  const failed = failedStatus({ ...before, status: first.status }, 'nobody knows', NOW + 60_000)
  assert.deepEqual(
    [failed.disruptionsAllowed, failed.conditions?.[0]?.reason, failed.conditions?.[0]?.message],
    [0, 'SyncFailed', 'nobody knows'],
  )
  assert.equal(failed.conditions?.[0]?.lastTransitionTime, '2026-01-01T00:11:00Z')
})
