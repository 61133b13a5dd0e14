import assert from 'node:assert/strict'
import { test } from 'node:test'
import { humanDuration } from './human-duration.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const durations: [number, string][] = [
  [-5 * SECOND, '<invalid>'],
  [-500, '0s'],
  [0, '0s'],
  [119 * SECOND, '119s'],
  [2 * MINUTE, '2m'],
  [9 * MINUTE + 59 * SECOND, '9m59s'],
  [10 * MINUTE + 30 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [7 * HOUR + 59 * MINUTE, '7h59m'],
  [8 * HOUR + 59 * MINUTE, '8h'],
  [47 * HOUR, '47h'],
  [49 * HOUR, '2d1h'],
  [192 * HOUR, '8d'],
  [729 * DAY, '729d'],
  [731 * DAY, '2y1d'],
  [9 * 365 * DAY, '9y'],
]
for (const [milliseconds, expected] of durations)
  test(`${milliseconds} ms is ${expected}`, () => assert.equal(humanDuration(milliseconds), expected))
