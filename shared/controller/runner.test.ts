import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { silentRecorder } from '../client/event-recorder.ts'
import { createHttpClient } from '../client/http-client.ts'
import { TerminalError } from '../errors/terminal-error.ts'
import { createInformers } from '../informer/shared-informers.ts'
import { silentLogger } from '../logging/logger.ts'
import { Metrics } from '../metrics/metrics.ts'
import { seededRandom } from '../random/random.ts'
import { type Controller, defineController } from './define-controller.ts'
import { createControllerRunner } from './runner.ts'

const configMap = (name: string) => ({ metadata: { namespace: 'x', name, uid: name, resourceVersion: '1' } })

async function running(reconcile: Controller['reconcile'], names: string[], workers = 4) {
  const clock = manualClock()
  const transport = scriptedTransport(({ path, signal }) => {
    if (!path.includes('watch=true')) return { body: { metadata: { resourceVersion: '1' }, items: names.map(configMap) } }
    return { chunks: endless(signal) }
  })
  const abort = new AbortController()
  const base = { clock, random: seededRandom(1), log: silentLogger(), client: createHttpClient(transport, { clock, userAgent: 'test' }) }
  const informers = createInformers(base)
  const metrics = new Metrics()
  const definition = defineController<null>({ name: 'test', reconciles: ['v1', 'ConfigMap'], workers, create: () => ({ reconcile }) })
  const tools = { ...base, informers, events: silentRecorder(), signal: abort.signal, metrics }
  const runner = createControllerRunner(definition, tools, null)
  informers.start(abort.signal)
  const ended = runner.run()
  await clock.settle()
  return { clock, abort, ended, metrics }
}

async function* endless(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
}

test('the four outcomes: done, later, again, never', async () => {
  const calls: string[] = []
  const { clock, abort, ended, metrics } = await running(
    async (key, { namespace, name }) => {
      calls.push(key)
      assert.equal(key, `${namespace}/${name}`)
      if (name === 'later' && calls.filter((one) => one === key).length === 1) return { requeueAfterMilliseconds: 5_000 }
      if (name === 'again' && calls.filter((one) => one === key).length < 3) throw new Error('a lost race')
      if (name === 'never') throw new TerminalError('it can never be right')
    },
    ['done', 'later', 'again', 'never'],
  )
  await clock.advance(4_999)
  assert.deepEqual(calls.slice().sort(), ['x/again', 'x/again', 'x/again', 'x/done', 'x/later', 'x/never'])
  await clock.advance(1)
  assert.equal(calls.at(-1), 'x/later')
  await clock.advance(600_000)
  assert.equal(calls.length, 7)
  const text = metrics.render()
  for (const line of ['outcome="done"} 3', 'outcome="later"} 1', 'outcome="again"} 2', 'outcome="never"} 1'])
    assert.ok(text.includes(line), line)
  abort.abort()
  await ended
})

test('stopping waits for the last worker, and no key is worked on twice at once', async () => {
  const open: (() => void)[] = []
  let inWork = 0
  let most = 0
  const { clock, abort, ended } = await running(
    async () => {
      most = Math.max(most, ++inWork)
      await new Promise<void>((resolve) => open.push(resolve))
      inWork--
    },
    ['a', 'b', 'c', 'd', 'e'],
    2,
  )
  assert.equal(most, 2)
  abort.abort()
  let over = false
  void ended.then(() => (over = true))
  await clock.settle()
  assert.equal(over, false, 'two are still in work')
  for (const finish of open.splice(0)) finish()
  await ended
  assert.equal(open.length, 0, 'nothing was begun after the stop')
})
