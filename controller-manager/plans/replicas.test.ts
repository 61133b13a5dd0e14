import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { BURST, DELETION_COST_ANNOTATION, leastMissed, planReplicas } from './replicas.ts'

interface Facts {
  node?: string
  phase?: string
  /** Seconds of 2030 at which it became ready; absent: not ready. */
  readyAt?: number
  cost?: string
  restarts?: number
  bornAt?: number
}

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds)).toISOString()

function pod(name: string, { node = 'a', phase = 'Running', readyAt, cost, restarts = 0, bornAt = 0 }: Facts = {}): Pod {
  const annotations = cost === undefined ? {} : { [DELETION_COST_ANNOTATION]: cost }
  const conditions = readyAt === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: at(readyAt) }]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations, creationTimestamp: at(bornAt) },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: { phase, conditions, containerStatuses: [{ name: 'main', restartCount: restarts }] },
  } as unknown as Pod
}

test('as many are made as are missing, and never more than a burst at once', () => {
  assert.deepEqual(planReplicas(3, []), { create: 3, remove: [] })
  assert.deepEqual(planReplicas(1, [pod('a')]), { create: 0, remove: [] })
  assert.equal(planReplicas(5_000, []).create, BURST)
  const many = Array.from({ length: 1_200 }, (_, index) => pod(`p${index}`))
  assert.equal(planReplicas(0, many).remove.length, BURST)
})

test('the ones given up first are the ones least missed, rule by rule', () => {
  const cases: [string, Pod, Pod][] = [
    ['without a node', pod('first', { node: '' }), pod('later')],
    ['pending', pod('first', { phase: 'Pending', readyAt: 1 }), pod('later', { phase: 'Unknown' })],
    ['unknown', pod('first', { phase: 'Unknown', readyAt: 1 }), pod('later')],
    ['not ready', pod('first', { cost: '10' }), pod('later', { readyAt: 5, cost: '-10' })],
    ['cheaper', pod('first', { readyAt: 1, cost: '-5' }), pod('later', { readyAt: 5 })],
    ['ready for less time', pod('first', { readyAt: 9, restarts: 0 }), pod('later', { readyAt: 2, restarts: 4 })],
    ['restarted more', pod('first', { readyAt: 1, restarts: 3, bornAt: 0 }), pod('later', { readyAt: 1, restarts: 1, bornAt: 9 })],
    ['younger', pod('first', { readyAt: 1, bornAt: 9 }), pod('later', { readyAt: 1, bornAt: 2 })],
  ]
  for (const [rule, first, later] of cases) {
    const names = (pods: Pod[]) => leastMissed(pods, pods).map(({ metadata }) => metadata.name)
    assert.deepEqual(names([first, later]), ['first', 'later'], rule)
    assert.deepEqual(names([later, first]), ['first', 'later'], `${rule}, the other way round`)
  }
})

test('of equals, the one goes that has most company on its node', () => {
  const crowd = [pod('a1', { node: 'a', readyAt: 1 }), pod('b1', { node: 'b', readyAt: 1 }), pod('b2', { node: 'b', readyAt: 1 })]
  assert.match(planReplicas(2, crowd).remove[0]?.metadata.name ?? '', /^b/)
})

test('a cost that is no number counts as none', () => {
  const [first] = leastMissed([pod('odd', { readyAt: 1, cost: 'cheap' }), pod('dear', { readyAt: 1, cost: '1' })], [])
  assert.equal(first?.metadata.name, 'odd')
})
