import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { realClock } from '../../shared/time/clock.ts'
import { soon } from '../../test/harness/soon.ts'
import type { ContainerStatus, SandboxStatus } from './container-runtime.ts'
import { containerLogName, logLinks } from './log-links.ts'

const pod = { namespace: 'default', name: 'web', uid: 'u1' }

/** Links over a runtime that has what a test says. */
function linking(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'coxswain-logs-'))
  const [podLogsDir, containerLogsDir, engine] = [join(folder, 'pods'), join(folder, 'containers'), join(folder, 'engine')]
  mkdirSync(engine)
  const containers: { id: string; podUid: string; name: string; attempt: number }[] = []
  const links = logLinks({
    runtime: {
      listSandboxes: async () => [{ id: 's', pod }] as SandboxStatus[],
      listContainers: async () => containers as ContainerStatus[],
      logPath: async (id) => (existsSync(join(engine, id)) ? join(engine, id) : undefined),
    },
    ...{ podLogsDir, containerLogsDir, clock: realClock(), log: silentLogger() },
  })
  const end = new AbortController()
  const running = links.run(end.signal)
  t.after(async () => {
    end.abort()
    await running
    rmSync(folder, { recursive: true })
  })
  const one = { id: 'abc', podUid: 'u1', name: 'main', attempt: 2 }
  return { containers, links, engine, podLogsDir, containerLogsDir, one, link: join(containerLogsDir, 'web_default_main-abc.log') }
}

test('a log is found under the names that agents know, once there is one, and no longer when it has gone', async (t) => {
  const { containers, links, engine, podLogsDir, one, link } = linking(t)
  containers.push(one)
  links.wake()
  writeFileSync(join(engine, 'abc'), 'line\n')
  links.wake()
  await soon(() => assert.equal(readFileSync(link, 'utf8'), 'line\n'))
  assert.equal(readFileSync(join(podLogsDir, 'default_web_u1/main/2.log'), 'utf8'), 'line\n')
  containers.length = 0
  rmSync(join(engine, 'abc'))
  links.wake()
  await soon(() => assert.ok(!existsSync(join(podLogsDir, 'default_web_u1'))))
  await soon(() => assert.deepEqual(readdirSync(join(link, '..')), []))
})

test('what others have in those folders stays', async (t) => {
  const { containers, links, engine, podLogsDir, containerLogsDir, one, link } = linking(t)
  mkdirSync(join(podLogsDir, 'default_other_u2/main'), { recursive: true })
  writeFileSync(join(podLogsDir, 'default_other_u2/main/0.log'), 'theirs')
  // As a CRI runtime's container has it between its making and its start.
  mkdirSync(join(podLogsDir, 'default_other_u2/second'))
  mkdirSync(containerLogsDir)
  symlinkSync('/nowhere', join(containerLogsDir, 'foreign.log'))
  writeFileSync(join(engine, 'abc'), '')
  containers.push(one)
  links.wake()
  await soon(() => assert.ok(existsSync(link)))
  assert.equal(readFileSync(join(podLogsDir, 'default_other_u2/main/0.log'), 'utf8'), 'theirs')
  assert.ok(readdirSync(containerLogsDir).includes('foreign.log'))
  containers.length = 0
  rmSync(join(engine, 'abc'))
  links.wake()
  await soon(() => assert.ok(!readdirSync(containerLogsDir).includes(basename(link))))
  assert.deepEqual(readdirSync(join(podLogsDir, 'default_other_u2')), ['main', 'second'])
})

test('a name that is too long for a file is cut', () => {
  const name = containerLogName({ namespace: 'n'.repeat(63), name: 'p'.repeat(200), uid: 'u' }, { name: 'c', id: 'f'.repeat(64) })
  assert.equal(name.length, 255)
  assert.ok(name.endsWith('.log'))
})
