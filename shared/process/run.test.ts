import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const program = `
import { run } from ${JSON.stringify(new URL('./run.ts', import.meta.url).href)}
import { choice } from ${JSON.stringify(new URL('./setting.ts', import.meta.url).href)}
process.exit(await run({
  name: 'probe',
  summary: 'for the test',
  settings: { behaviour: choice('what it does', ['serve', 'fail', 'break', 'hang', 'reject'], 'serve') },
  create: ({ behaviour }, { clock }) => {
    const ended = Promise.withResolvers()
    const timer = clock.every(1000, () => {})
    return {
      ended: ended.promise,
      async start() {
        if (behaviour === 'fail') throw new Error('no ground to stand on')
        if (behaviour === 'break') ended.reject(new Error('the ground is gone'))
        if (behaviour === 'reject') Promise.reject(new Error('nobody listens'))
        process.stdout.write('ready')
      },
      async stop() {
        if (behaviour === 'hang') await new Promise(() => {})
        timer.cancel()
      },
    }
  },
}))
`

const folder = mkdtempSync(join(tmpdir(), 'run-'))
const file = join(folder, 'probe.mjs')
writeFileSync(file, program)
after(() => rmSync(folder, { recursive: true }))

async function start(...args: string[]) {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000, killSignal: 'SIGKILL' })
  let log = ''
  child.stderr.on('data', (chunk) => (log += chunk))
  const exit = once(child, 'close')
  return { child, ready: once(child.stdout, 'data'), end: async () => ({ code: (await exit)[0] as number, log }) }
}

test('a signal stops in order and exits 0', async () => {
  const { child, ready, end } = await start()
  await ready
  child.kill('SIGTERM')
  const { code, log } = await end()
  assert.equal(code, 0, log)
  assert.match(log, /stopping {2}reason=SIGTERM/)
  assert.match(log, /stopped {2}exitCode=0/)
})

test('a failed start, a broken service and a fault nobody caught exit 1 and say why', async () => {
  for (const [behaviour, why] of [
    ['fail', /no ground to stand on/],
    ['break', /the ground is gone/],
    ['reject', /nobody listens/],
  ] as const) {
    const { code, log } = await (await start('--behaviour', behaviour)).end()
    assert.equal(code, 1, log)
    assert.match(log, why)
  }
})

test('a second signal ends a stop that hangs', async () => {
  const { child, ready, end } = await start('--behaviour=hang')
  await ready
  // The first signal must have been seen: two that wait are delivered by number, not by age.
  child.stderr.on('data', (chunk) => {
    if (String(chunk).includes('stopping')) child.kill('SIGINT')
  })
  child.kill('SIGTERM')
  assert.equal((await end()).code, 130)
})

test('a stop that takes too long ends anyway', async () => {
  const { child, ready, end } = await start('--behaviour=hang', '--stop-timeout=50ms')
  await ready
  child.kill('SIGTERM')
  const { code, log } = await end()
  assert.equal(code, 1)
  assert.match(log, /orderly stop took too long/)
})

test('wrong flags exit 2, help exits 0', async () => {
  const wrong = await (await start('--behavior=serve')).end()
  assert.equal(wrong.code, 2)
  assert.match(wrong.log, /probe: unknown flag --behavior; did you mean --behaviour\?/)
  assert.equal((await (await start('--help')).end()).code, 0)
})
