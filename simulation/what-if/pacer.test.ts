import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '../../shared/time/clock.ts'
import { manualClock } from '../time/manual-clock.ts'
import { createPacer } from './pacer.ts'

const HOUR = 3_600_000

test('who leaves in the middle of a long jump does not wait for its end', async () => {
  const clock = manualClock(0)
  const pacer = createPacer(clock, realClock(), (error) => assert.fail(String(error)))
  const leaving = Promise.withResolvers<void>()
  clock.after(HOUR + 1, () => leaving.resolve(pacer.stop()))
  await pacer.jump(1000 * HOUR)
  await leaving.promise
  assert.equal(clock.now(), HOUR + 60_000)
})

test('a jump goes exactly as far as it was asked to', async () => {
  const clock = manualClock(0)
  const pacer = createPacer(clock, realClock(), (error) => assert.fail(String(error)))
  await pacer.jump(0)
  await pacer.jump(HOUR + 17)
  assert.equal(pacer.pace.passed, HOUR + 17)
})
