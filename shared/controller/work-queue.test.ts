import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { createBackoff } from './backoff.ts'
import { createWorkQueue } from './work-queue.ts'

test('a key waits once, and a mark during its work is not lost', async () => {
  const queue = createWorkQueue(manualClock())
  queue.add('a')
  queue.add('a')
  queue.add('b')
  assert.equal(queue.length, 2)
  assert.equal(await queue.take(), 'a')
  queue.add('a')
  queue.add('a')
  assert.equal(await queue.take(), 'b')
  assert.equal(queue.length, 0, 'a is in work: nobody else may take it')
  queue.done('a')
  assert.equal(await queue.take(), 'a')
  queue.done('a')
  queue.done('b')
  assert.equal(queue.length, 0)
})

test('takers wait in line, and a shut queue sends them home', async () => {
  const queue = createWorkQueue(manualClock())
  const first = queue.take()
  const second = queue.take()
  queue.add('a')
  assert.equal(await first, 'a')
  queue.addAfter('b', 100)
  queue.shut()
  assert.equal(await second, undefined)
  queue.add('c')
  queue.done('a')
  assert.equal(await queue.take(), undefined)
})

test('the earliest of several delays wins, and shutting leaves no timer', async () => {
  const clock = manualClock()
  const queue = createWorkQueue(clock)
  queue.addAfter('a', 500)
  queue.addAfter('a', 100)
  queue.addAfter('a', 300)
  queue.addAfter('b', 0)
  assert.equal(queue.length, 1)
  await clock.advance(99)
  assert.equal(queue.length, 1)
  await clock.advance(1)
  assert.equal(queue.length, 2)
  await clock.advance(1000)
  assert.equal(queue.length, 2)
  queue.addAfter('c', 100)
  queue.shut()
  assert.equal(clock.pending.length, 0)
})

test('thousands of keys keep their order', async () => {
  const queue = createWorkQueue(manualClock())
  for (let number = 0; number < 5000; number++) queue.add(`k${number}`)
  for (let number = 0; number < 5000; number++) {
    const key = await queue.take()
    assert.equal(key, `k${number}`)
    queue.done(`k${number}`)
  }
  assert.equal(queue.length, 0)
})

test('pauses double up to a limit and start over after a success', () => {
  const backoff = createBackoff({ firstMilliseconds: 5, longestMilliseconds: 30 })
  assert.deepEqual([backoff.next('a'), backoff.next('a'), backoff.next('a'), backoff.next('a')], [5, 10, 20, 30])
  assert.equal(backoff.next('b'), 5)
  assert.equal(backoff.failures('a'), 4)
  backoff.forget('a')
  assert.equal(backoff.next('a'), 5)
})
