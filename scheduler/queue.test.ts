import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import { manualClock } from '../test/harness/manual-clock.ts'
import type { ClusterChange } from './framework.ts'
import { podInfo } from './pod-info.ts'
import { SchedulingQueue } from './queue.ts'

const info = (name: string, priority = 0) =>
  podInfo({ metadata: { name, namespace: 'default', uid: name }, spec: { containers: [], priority }, status: {} } as unknown as Pod)

function subject() {
  const clock = manualClock()
  const freedBy = new Map<string, ClusterChange[]>([
    ['Fit', ['nodeAdded', 'podRemoved']],
    ['Affinity', ['podPlaced']],
  ])
  const queue = new SchedulingQueue(clock, freedBy)
  const taken = () => {
    const names: string[] = []
    for (let next = queue.take(); next; next = queue.take()) names.push(next.uid)
    return names
  }
  return { clock, queue, taken }
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
  queue.refused('a', new Set(['Fit']))
  queue.cluster('podPlaced')
  await clock.advance(2_000)
  assert.deepEqual(taken(), [], 'a change that helps others')
  queue.cluster('podRemoved')
  assert.deepEqual(taken(), ['a'], 'the back-off was over')
  queue.refused('a', new Set(['Fit']))
  queue.cluster('nodeAdded')
  assert.deepEqual(taken(), [], 'freed, but the back-off of the second attempt is 2 s')
  await clock.advance(1_999)
  assert.deepEqual(taken(), [])
  await clock.advance(1)
  assert.deepEqual(taken(), ['a'])
})

test('whom no rule refused, any change may help', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  taken()
  queue.refused('a', new Set())
  await clock.advance(1_000)
  queue.cluster('nodeAdded')
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
  queue.refused('a', new Set(['Fit']))
  await clock.advance(5 * 60_000)
  assert.deepEqual(taken(), [])
  await clock.advance(1_000)
  assert.deepEqual(taken(), ['a'])
})

test('a pod that was changed is tried again; one that only was looked at is not', async () => {
  const { clock, queue, taken } = subject()
  queue.set(info('a'), false)
  taken()
  queue.refused('a', new Set(['Fit']))
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
  queue.refused('parked', new Set(['Fit']))
  queue.failed('backing-off')
  queue.set(info('fresh'), false)
  for (const name of ['active', 'parked', 'backing-off', 'fresh']) queue.delete(name)
  queue.cluster('nodeAdded')
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
