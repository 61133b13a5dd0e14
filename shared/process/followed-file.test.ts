import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../logging/logger.ts'
import { type Clock, realClock } from '../time/clock.ts'
import { FollowedFile } from './followed-file.ts'

test('what is written while a file is read is seen at the next look; one that stays wrong is told once', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'followed-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'some.yaml')
  let look: () => unknown = () => assert.fail('nobody follows')
  const clock: Clock = {
    ...realClock(),
    every(_milliseconds, action) {
      look = action
      return { cancel: () => {} }
    },
  }
  const file = new FollowedFile({ path, what: 'test', clock, log: silentLogger() })
  await assert.rejects(
    file.load(async () => {}),
    { name: 'ConfigError', message: /some\.yaml cannot be read: ENOENT/ },
  )
  writeFileSync(path, 'first')
  await file.load(async () => writeFileSync(path, 'second'))
  const told: string[] = []
  let problem: string | undefined
  file.follow({
    async use() {
      if (problem !== undefined) throw new Error(problem)
      told.push('used')
    },
    told: (isTaken) => void told.push(`told ${isTaken}`),
  })
  await look()
  await look()
  assert.deepEqual(told.splice(0), ['used', 'told true'])
  writeFileSync(path, 'third')
  for (const next of ['no', 'no', 'never', undefined]) {
    problem = next
    await look()
  }
  assert.deepEqual(told.splice(0), ['told false', 'told false', 'used', 'told true'])
  await file.stop()
})
