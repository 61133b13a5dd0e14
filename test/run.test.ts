import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { runCommand } from '../deploy/command.ts'

const folder = mkdtempSync(join(tmpdir(), 'coxswain-run-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs a test file with limits of seconds. */
async function runText(name: string, text: string) {
  const file = join(folder, `${name}.test.ts`)
  writeFileSync(file, `import { spawn } from 'node:child_process'\nimport { test } from 'node:test'\n${text}`)
  // What a test process is told by its runner would make this one the runner's child.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { code, stdout } = await runCommand(
    process.execPath,
    [resolve(import.meta.dirname, 'run.ts'), '--minutes=0.05', '--grace=0.1', '--exit=0.02', file],
    { env },
  )
  return { code, stdout }
}

test('a file whose test hangs, with a child that holds its output, is ended and fails, and its children are named', async () => {
  const { code, stdout } = await runText('hung', `test('hangs', () => new Promise(() => { spawn('sleep', ['33'], { stdio: 'inherit' }) }))`)
  assert.equal(code, 1)
  assert.match(stdout, /✖ hangs/)
  assert.match(stdout, /has not ended 6 s after the time of its tests.*sleep 33/)
})

test('a file whose tests pass and whose process hangs at its very end passes, and that is told', async () => {
  const hang = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 33_000)'
  const { code, stdout } = await runText('late', `test('fine', () => {})\nprocess.on('exit', () => ${hang})`)
  assert.equal(code, 0, stdout)
  assert.match(stdout, /has told all and not ended within 1\.2 s/)
  assert.match(stdout, /1 tests in 1 files: 1 passed, 0 failed/)
})

test('a file that fails at its very end fails, however well its tests went', async () => {
  const { code } = await runText('dies', `test('fine', () => {})\nprocess.on('exit', () => process.kill(process.pid, 'SIGKILL'))`)
  assert.equal(code, 1)
})
