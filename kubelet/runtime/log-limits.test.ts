import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logLimits, USUAL_LOGS } from './log-limits.ts'

test('limits of logs are upstream’s, or what is set; what is no size is refused', () => {
  assert.deepEqual(logLimits({ containerLogMaxSize: '10Mi', containerLogMaxFiles: 5 }), USUAL_LOGS)
  assert.deepEqual(logLimits({ containerLogMaxSize: '64Ki', containerLogMaxFiles: 2 }), { bytes: 65_536, files: 2 })
  for (const containerLogMaxSize of ['0', '-1Mi', 'much'])
    assert.throws(() => logLimits({ containerLogMaxSize, containerLogMaxFiles: 2 }), /--container-log-max-size: /)
})
