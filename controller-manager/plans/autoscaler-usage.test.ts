import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import {
  isWithin,
  replicasForAverage,
  replicasForShare,
  replicasForUtilization,
  replicasForValue,
  requestsOf,
  sortPods,
  type UsageContext,
} from './autoscaler-usage.ts'

const now = Date.parse('2026-01-01T12:00:00Z')
const minutes = (count: number) => count * 60_000

interface Sketch {
  readonly use?: number
  readonly phase?: string
  /** Ready since, minutes ago; false: not ready since it started. */
  readonly ready?: number | false
  readonly started?: number
  readonly deleting?: boolean
  readonly request?: string
}

/** Pods p0, p1 … that have run and been ready for an hour, unless a sketch says otherwise. */
function context(sketches: readonly Sketch[], more: Partial<UsageContext> = {}): UsageContext {
  const pods = sketches.map(({ phase = 'Running', ready = 60, started = 60, deleting, request = '1' }, index): Pod => {
    const changed = timestamp(now - minutes(ready === false ? started : ready))
    return {
      ...{ apiVersion: 'v1', kind: 'Pod' },
      metadata: { name: `p${index}`, ...(deleting ? { deletionTimestamp: timestamp(now) } : {}) },
      spec: { containers: [{ name: 'main', resources: { requests: { cpu: request } } }] },
      status: {
        ...{ phase, startTime: timestamp(now - minutes(started)) },
        conditions: [{ type: 'Ready', status: ready === false ? 'False' : 'True', lastTransitionTime: changed }],
      },
    } as Pod
  })
  const figures = new Map(
    sketches.flatMap(({ use }, index) => (use === undefined ? [] : [[`p${index}`, { milli: use, at: now, window: 60_000 }]])),
  )
  return {
    ...{ pods, figures, currentReplicas: sketches.length, tolerances: { up: 0.1, down: 0.1 }, isCpu: true, now },
    ...{ cpuInitializationPeriod: minutes(5), initialReadinessDelay: 30_000 },
    ...more,
  }
}
const percent = (sketches: readonly Sketch[], target: number, more: Partial<UsageContext> = {}) => {
  const of = context(sketches, more)
  return replicasForUtilization(of, target, requestsOf(of.pods, 'cpu'))
}
const times = (count: number, sketch: Sketch) => Array.from({ length: count }, () => sketch)

test('the size follows the utilisation of what pods ask for', () => {
  const cases: [string, number, readonly Sketch[], number][] = [
    ['above the target', 5, [{ use: 300 }, { use: 500 }, { use: 700 }], 30],
    ['below it', 3, times(5, { use: 280 }), 50],
    ['within the tolerance', 3, [{ use: 1_010 }, { use: 1_030 }, { use: 1_020 }], 100],
    ['at the edge of the tolerance upwards', 10, times(10, { use: 550 }), 50],
    ['a percent above the edge', 12, times(10, { use: 560 }), 50],
    ['at the edge downwards', 10, times(10, { use: 450 }), 50],
    ['a whole number is not rounded up for a fraction’s last bit', 28, times(100, { use: 280 }), 100],
    ['idle', 0, times(3, { use: 0 }), 50],
  ]
  for (const [what, replicas, sketches, target] of cases) assert.equal(percent(sketches, target).replicas, replicas, what)
  assert.deepEqual(percent([{ use: 300 }, { use: 500 }, { use: 700 }], 30), { replicas: 5, utilization: 50, average: 500 })
})

test('pods that start count as idle on the way up, and not at all on the way down', () => {
  const young: Sketch = { use: 1_000, ready: false, started: 1 }
  assert.equal(percent([{ use: 300 }, { use: 500 }, { use: 700 }], 30).replicas, 5)
  assert.equal(percent([{ use: 500 }, { use: 700 }, young], 30).replicas, 4, '1200 of 3 cores, not 2200')
  assert.equal(percent([{ use: 200 }, young, young], 50).replicas, 1, '200 of one core')
  assert.equal(percent([{ use: 600 }, young, young], 50).replicas, 3, 'that would turn it round')
  const hot = { use: 900, ready: 0.5, started: 1 }
  assert.deepEqual(sortPods(context([hot])).unready, ['p0'], 'no whole window since it became ready')
  assert.deepEqual(sortPods(context([{ use: 900, ready: 2, started: 3 }])).ready, 1)
  assert.deepEqual(sortPods(context([{ use: 900, ready: false, started: 60 }])).unready, ['p0'], 'never ready')
  assert.equal(sortPods(context([{ use: 900, ready: 30, started: 60 }])).ready, 1)
  const fell = context([{ use: 900, ready: false, started: 60 }])
  const [pod] = fell.pods
  if (pod?.status.conditions?.[0]) pod.status.conditions[0].lastTransitionTime = timestamp(now - minutes(5))
  assert.equal(sortPods(fell).ready, 1, 'ready once, and not any more: its work counts')
  assert.equal(sortPods(context([{ use: 900, ready: false, started: 1 }], { isCpu: false })).ready, 1, 'memory is trusted from the start')
})

test('pods that nothing is known of never make it go further', () => {
  assert.equal(percent([{ use: 300 }, { use: 500 }, {}], 50).replicas, 3, '80 % if the unknown one works as asked')
  assert.equal(percent([{ use: 100 }, { use: 100 }, { use: 100 }, {}], 50).replicas, 3, 'down to what the rest and a full one need')
  assert.equal(percent([{ use: 1_000 }, { use: 1_000 }, {}], 50).replicas, 4, 'up to what two need with an idle one')
  assert.equal(percent([{ use: 600 }, {}, {}], 50).replicas, 3, 'it would turn round')
  assert.equal(percent([{ use: 100 }, {}], 300).replicas, 2, 'a target above all counts as the target')
})

test('pods on their way out, failed ones and pending ones are no measure', () => {
  const sorted = sortPods(context([{ use: 1, deleting: true }, { use: 1, phase: 'Failed' }, { phase: 'Pending' }, { use: 1 }, {}]))
  assert.deepEqual(sorted, { ready: 1, unready: ['p2'], missing: ['p4'], ignored: ['p0', 'p1'] })
  assert.equal(percent([{ use: 900, deleting: true }, { use: 500 }, { use: 500 }], 50, { currentReplicas: 2 }).replicas, 2)
  assert.equal(percent([{ use: 900 }, { phase: 'Pending' }], 50).replicas, 2, '900 of two cores is within the tolerance')
})

test('what cannot be computed is said in upstream’s words', () => {
  const refuse = (run: () => unknown, sentence: string) => assert.throws(run, { message: sentence })
  refuse(() => percent([], 50), 'no pods returned by selector while calculating replica count')
  refuse(() => percent([{}], 50), 'did not receive metrics for targeted pods (pods might be unready)')
  refuse(() => percent([{ use: 9, ready: false, started: 1 }], 50), 'did not receive metrics for targeted pods (pods might be unready)')
  const bare = context([{ use: 1 }])
  bare.pods[0]!.spec.containers[0]!.resources = {}
  refuse(() => requestsOf(bare.pods, 'cpu'), 'missing request for cpu in container main of Pod p0')
  const gone = context([{ use: 1 }])
  refuse(() => replicasForUtilization(gone, 50, new Map()), 'no metrics returned matched known pods')
})

test('requests are those of all containers that go on, of the whole pod, or of one container', () => {
  const [pod] = context([{}]).pods
  if (!pod) throw new Error('no pod')
  const resources = (cpu: string) => ({ requests: { cpu } })
  pod.spec.initContainers = [
    { name: 'once', resources: resources('8') },
    { name: 'side', restartPolicy: 'Always', resources: resources('500m') },
  ] as NonNullable<Pod['spec']['initContainers']>
  assert.equal(requestsOf([pod], 'cpu').get('p0'), 1_500)
  assert.equal(requestsOf([pod], 'cpu', 'side').get('p0'), 500)
  pod.spec.resources = resources('4')
  assert.equal(requestsOf([pod], 'cpu').get('p0'), 4_000)
  assert.equal(requestsOf([pod], 'cpu', 'main').get('p0'), 1_000)
})

test('an average of amounts, a value for all, and a value to share', () => {
  const average = (sketches: readonly Sketch[], target: number) => replicasForAverage(context(sketches, { isCpu: false }), target)
  assert.deepEqual(average([{ use: 20_000 }, { use: 10_000 }, { use: 30_000 }], 15_000), { replicas: 4, average: 20_000 })
  assert.equal(average([{ use: 15_000 }, { use: 16_000 }], 15_000).replicas, 2)
  assert.equal(average([{ use: 20_000 }, {}], 15_000).replicas, 2, 'an idle one would turn it round')
  const value = (milli: number, current: number, ready = current) =>
    replicasForValue(context(times(ready, {}), { currentReplicas: current }), milli, 10_000)
  assert.deepEqual([value(20_000, 3), value(10_900, 3), value(5_000, 4), value(20_000, 4, 2)], [6, 3, 2, 4])
  assert.deepEqual([value(0, 0), value(25_000, 0)], [0, 3], 'from zero it is what the value needs')
  const tolerances = { up: 0.1, down: 0.1 }
  const share = (milli: number, statusReplicas: number) => replicasForShare({ statusReplicas, tolerances }, milli, 10_000)
  assert.deepEqual(share(45_000, 2), { replicas: 5, average: 22_500 })
  assert.deepEqual(share(21_000, 2), { replicas: 2, average: 10_500 })
  assert.deepEqual([share(0, 3).replicas, share(30_000, 0).replicas], [0, 3])
})

test('a tolerance of its own holds in its direction only', () => {
  const wide = { up: 0.5, down: 0 }
  assert.deepEqual([isWithin(1.5, wide), isWithin(1.51, wide), isWithin(1, wide), isWithin(0.99, wide)], [true, false, true, false])
  assert.equal(percent(times(4, { use: 700 }), 50, { tolerances: wide }).replicas, 4)
  assert.equal(percent(times(4, { use: 490 }), 50, { tolerances: wide }).replicas, 4, 'rounded up')
  assert.equal(percent(times(100, { use: 490 }), 50, { tolerances: wide }).replicas, 98)
})
