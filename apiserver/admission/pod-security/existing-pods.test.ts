import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../../shared/random/random.ts'
import { realClock } from '../../../shared/time/clock.ts'
import { jane, madePod } from '../../../test/harness/admission-trial.ts'
import { TestReader } from '../../../test/harness/object-reader.ts'
import { Exemptions } from './exemptions.ts'
import { existingPodsWarnings } from './existing-pods.ts'

test('when a second has gone, what was found by then is told; meanwhile the server does other things', async () => {
  const reader = new TestReader()
  for (const name of ['a', 'b', 'c', 'd', 'e']) reader.put('v1', 'Pod', madePod({ hostPID: true }, { name }))
  let now = 0
  const clock = { ...realClock(), monotonic: () => (now += 150) }
  let turns = 0
  const other = () => {
    turns++
    if (!isDone) setImmediate(other)
  }
  let isDone = false
  setImmediate(other)
  const context = { user: jane, reader, clock, random: seededRandom(1), dryRun: false, warn() {} }
  const enforce = { level: 'baseline', version: 'latest' } as const
  assert.deepEqual(await existingPodsWarnings(context, 'default', enforce, new Exemptions({})), [
    'new PodSecurity enforce level only checked against the first 3 of 5 existing pods',
    'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
    'a (and 2 other pods): host namespaces',
  ])
  isDone = true
  assert.ok(turns >= 3, `${turns} turns`)
})
