import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../shared/metrics/metrics.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../simulation/time/manual-clock.ts'
import { made } from '../test/harness/admission-trial.ts'
import type { ClusterChange } from './cluster-change.ts'
import { ClusterState } from './cluster-state.ts'
import type { SchedulingPlugin } from './framework.ts'
import { NodeInfo } from './node-info.ts'
import { podInfo } from './pod-info.ts'
import { SchedulingQueue } from './queue.ts'

const info = (name: string, priority = 0) =>
  podInfo({ metadata: { name, namespace: 'default', uid: name }, spec: { containers: [], priority }, status: {} } as unknown as Pod)

const backoff = { firstBackoffMilliseconds: 1_000, longestBackoffMilliseconds: 10_000 }
const fit: SchedulingPlugin = { name: 'Fit', freedBy: ['nodeAdded', 'podRemoved'] }
const node = new NodeInfo('n', made('v1', 'Node', { metadata: { name: 'n' } }), 0)
const change = (what: 'nodeAdded' | 'podPlaced' | 'podRemoved', name = 'other'): ClusterChange =>
  what === 'nodeAdded' ? { what, node } : { what, node, pod: info(name) }

function subject() {
  const clock = manualClock()
  const metrics = new Metrics()
  const queue = new SchedulingQueue({ clock, metrics, cluster: new ClusterState(), backoff })
  const taken = () => {
    const names: string[] = []
    for (let next = queue.take(); next; next = queue.take()) names.push(next.uid)
    return names
  }
  return { clock, queue, taken, metrics }
}

test('higher priority first, then whoever waited longer', async () => {
  const { clock, queue, taken } = subject()
  for (const [name, priority] of [
    ['a', 0],
    ['b', 10],
    ['c', 0],
    ['d', 10],
  ] as const) {
    queue.set(info(name, priority), false)
    if (name !== 'c') await clock.advance(1)
  }
  assert.deepEqual(taken(), ['b', 'd', 'a', 'c'])
})

test('pods of one moment come in the order they arrived', () => {
  const { queue, taken } = subject()
  const names = Array.from({ length: 50 }, (_, index) => `p${index}`)
  for (const name of names) queue.set(info(name), false)
  assert.deepEqual(taken(), names)
})

test('a refused pod waits for a change that one of its rules named, and for its back-off', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  assert.deepEqual(taken(), ['a'])
  queue.refused('a', new Set([fit]))
  queue.cluster(change('podPlaced'))
  await clock.advance(2_000)
  assert.deepEqual(taken(), [], 'a change that helps others')
  queue.cluster(change('podRemoved'))
  assert.deepEqual(taken(), ['a'], 'the back-off was over')
  queue.refused('a', new Set([fit]))
  queue.cluster(change('nodeAdded'))
  assert.deepEqual(taken(), [], 'freed, but the back-off of the second attempt is 2 s')
  await clock.advance(1_999)
  assert.deepEqual(taken(), [])
  await clock.advance(1)
  assert.deepEqual(taken(), ['a'])
})

test('rules are asked about the very object, and what they say is counted', async () => {
  const { clock, queue, taken, metrics } = subject()
  const picky: SchedulingPlugin = {
    ...{ name: 'Picky', freedBy: ['podRemoved'] },
    helps: ({ uid }, change) => change.what === 'podRemoved' && change.pod.uid === `next to ${uid}`,
  }
  for (const name of ['a', 'b']) queue.set(info(name), false)
  taken()
  for (const name of ['a', 'b']) queue.refused(name, new Set([picky]))
  await clock.advance(1_000)
  queue.cluster(change('podRemoved', 'far away'))
  assert.deepEqual([taken(), queue.sleeps('a'), queue.sleeps('b')], [[], true, true])
  queue.cluster(change('podRemoved', 'next to b'))
  assert.deepEqual([taken(), queue.sleeps('a'), queue.sleeps('b')], [['b'], true, false])
  const told = metrics.render()
  assert.match(told, /scheduler_queueing_hints_total\{plugin="Picky",event="podRemoved",hint="QueueSkip"\} 3/)
  assert.match(told, /scheduler_queueing_hints_total\{plugin="Picky",event="podRemoved",hint="Queue"\} 1/)
  assert.match(told, /scheduler_queue_incoming_pods_total\{queue="active",event="podRemoved"\} 1/)
  assert.match(told, /scheduler_pending_pods\{queue="unschedulable"\} 1/)
})

test('whom no rule refused, any change may help', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  taken()
  queue.refused('a', new Set())
  await clock.advance(1_000)
  queue.cluster(change('nodeAdded'))
  assert.deepEqual(taken(), ['a'])
})

test('the back-off doubles from one second to ten', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  taken()
  const waits: number[] = []
  for (let attempt = 0; attempt < 6; attempt++) {
    queue.failed('a')
    const since = clock.now()
    while (taken().length === 0) await clock.advance(100)
    waits.push(clock.now() - since)
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
})

test('after five minutes a refused pod is tried again although nothing changed', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  taken()
  queue.refused('a', new Set([fit]))
  await clock.advance(5 * 60_000)
  assert.deepEqual(taken(), [])
  await clock.advance(1_000)
  assert.deepEqual(taken(), ['a'])
})

test('a pod that was changed is tried again; one that only was looked at is not', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  taken()
  queue.refused('a', new Set([fit]))
  await clock.advance(1_000)
  queue.set(info('a'), false)
  assert.deepEqual(taken(), [])
  queue.set(info('a'), true)
  assert.deepEqual(taken(), ['a'])
})

test('a deleted pod is nowhere any more, wherever it was', async () => {
  const { clock, queue, taken } = subject()
  for (const name of ['active', 'parked', 'backing-off']) queue.set(info(name), false)
  queue.take()
  queue.take()
  queue.take()
  queue.refused('parked', new Set([fit]))
  queue.failed('backing-off')
  queue.set(info('fresh'), false)
  for (const name of ['active', 'parked', 'backing-off', 'fresh']) queue.delete(name)
  queue.cluster(change('nodeAdded'))
  await clock.advance(10 * 60_000)
  assert.deepEqual(taken(), [])
  assert.equal(queue.size, 0)
  queue.refused('active', new Set())
  assert.equal(queue.size, 0, 'an attempt that ends after the pod is gone brings it not back')
})

test('whoever waits is woken by a pod, and by the end', async () => {
  const { queue } = subject()
  const end = new AbortController()
  let woken = 0
  const waiting = queue.whenActive(end.signal).then(() => (woken += 1))
  await Promise.resolve()
  assert.equal(woken, 0)
  queue.set(info('a'), false)
  await waiting
  queue.take()
  const again = queue.whenActive(end.signal).then(() => (woken += 1))
  end.abort()
  await again
  assert.equal(woken, 2)
})
