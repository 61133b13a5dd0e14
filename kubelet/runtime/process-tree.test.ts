import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { realClock } from '../../shared/time/clock.ts'
import { endProcessTree } from './process-tree.ts'

/** Numbers of the processes that have this text in their arguments. */
async function named(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, index) => texts[index]?.includes(mark))
}

for (const [what, script] of [
  ['that is only now starting its children', 'echo; sleep MARK & sleep MARK; sleep MARK'],
  ['whose children ignore a hang-up', 'trap "" HUP; sleep MARK & echo; while :; do sleep MARK; done'],
  ['that forks without end', 'echo; while :; do (sleep MARK; sleep MARK) & wait $!; done'],
] as const) {
  test(`a command ${what} ends with all of them`, async () => {
    const mark = `98${process.pid}${script.length}`
    const child = spawn('sh', ['-c', script.replaceAll('MARK', mark)], { stdio: ['ignore', 'pipe', 'ignore'] })
    const over = once(child, 'exit')
    await once(child.stdout, 'data')
    await endProcessTree(child.pid ?? 0, () => true, realClock())
    await over
    const clock = realClock()
    for (const deadline = clock.monotonic() + 10_000; (await named(mark)).length > 0; await clock.sleep(20)) {
      assert.ok(clock.monotonic() < deadline, `left: ${await named(mark)}`)
    }
  })
}

test('a process that is not the one meant is left alone', async () => {
  const child = spawn('sleep', ['1000'])
  await once(child, 'spawn')
  await endProcessTree(child.pid ?? 0, (cgroups) => cgroups.includes('some-container'), realClock())
  assert.equal(child.exitCode ?? child.signalCode, null)
  child.kill('SIGKILL')
})
