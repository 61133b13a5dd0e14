import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasReason } from '../../shared/errors/status-error.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { withDeadline } from './deadline.ts'

test('work in time answers, and leaves no timer behind', async () => {
  const clock = manualClock()
  assert.equal(await withDeadline(Promise.resolve(7), 1000, clock), 7)
  await clock.settle()
  assert.equal(clock.pending.length, 0)
})

test('work that takes too long is given up', async () => {
  const clock = manualClock()
  const late = assert.rejects(withDeadline(new Promise(() => {}), 1000, clock), (error) => hasReason(error, 'Timeout'))
  await clock.advance(1001)
  await late
})

test('a failure is passed on', async () => {
  await assert.rejects(withDeadline(Promise.reject(new Error('broken')), 1000, manualClock()), /broken/)
})
