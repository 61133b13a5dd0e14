import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ageOf } from './age.ts'

test('an age is what kubectl prints, empty without a time, and none before the clock has come there', () => {
  const now = Date.UTC(2030, 0, 1, 12)
  assert.equal(ageOf('2030-01-01T11:58:20Z', now), '100s')
  assert.equal(ageOf('2030-01-01T10:30:00Z', now), '90m')
  assert.equal(ageOf('2030-01-01T12:00:07Z', now), '0s')
  assert.equal(ageOf('', now), '')
  assert.equal(ageOf(undefined, now), '')
})
