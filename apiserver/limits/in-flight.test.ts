import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasReason } from '../../shared/errors/status-error.ts'
import { InFlight } from './in-flight.ts'

test('what is too much is refused at once, and the next is let in when one has left', () => {
  const limits = new InFlight({ reads: 2, writes: 1 })
  limits.enter('reads')
  limits.enter('reads')
  assert.throws(
    () => limits.enter('reads'),
    (error) => hasReason(error, 'TooManyRequests') && error.details?.retryAfterSeconds === 1,
  )
  limits.enter('writes')
  limits.leave('reads')
  limits.enter('reads')
  assert.equal(limits.reads, 2)
  assert.equal(limits.writes, 1)
})
