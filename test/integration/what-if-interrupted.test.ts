import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { readConfig } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { settings } from '../../simulation/what-if/config.ts'
import { whatIf } from '../../simulation/what-if/what-if.ts'

test('who interrupts while a cluster is copied that does not answer need not wait for it', async (context) => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  context.after(() => silent.close())
  const folder = mkdtempSync(join(tmpdir(), 'what-if-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const kubeconfig = join(folder, 'kubeconfig')
  const server = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const named = { clusters: [{ name: 'a', cluster: { server } }], users: [{ name: 'a', user: { token: 'x' } }] }
  writeFileSync(
    kubeconfig,
    JSON.stringify({ ...named, contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }], 'current-context': 'a' }),
  )

  const end = new AbortController()
  const config = readConfig({ name: 'what-if', summary: '' }, settings, { args: [`--kubeconfig=${kubeconfig}`], env: {} })
  const tools = { outside: realClock(), random: systemRandom(), log: silentLogger() }
  const console = { input: new PassThrough(), output: new PassThrough(), progress: new PassThrough() }
  const running = whatIf(config, tools, console, end.signal)
  const [socket] = await once(silent, 'connection')
  context.after(() => socket.destroy())
  end.abort(new Error('SIGINT'))
  const began = performance.now()
  await assert.rejects(running, /SIGINT/)
  assert.ok(performance.now() - began < 1_000)
})
