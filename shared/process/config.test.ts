import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, HelpRequested, readConfig } from './config.ts'
import { boolean, choice, duration, integer, list, parseDuration, port, required, showDuration, text } from './setting.ts'

const table = {
  bindAddress: text('where to listen', '127.0.0.1'),
  port: port('which port', 6443),
  leaderElect: boolean('one at a time', true),
  gracePeriod: duration('how long', 40_000),
  controllers: list('which ones', ['*']),
  mode: choice('how', ['fast', 'slow'], 'fast'),
  kubeconfig: text('where the server is'),
  workers: integer('how many', 4, 1, 64),
}
const program = { name: 'thing', summary: 'does it' }
const read = (args: string[], env: Record<string, string> = {}) => readConfig(program, table, { args, env })

test('flags win over the environment, the environment over defaults', () => {
  const config = read(['--port', '1', '--grace-period=1m30s', '--leader-elect=false'], { COXSWAIN_PORT: '2', COXSWAIN_MODE: 'slow' })
  assert.deepEqual(config, {
    bindAddress: '127.0.0.1',
    port: 1,
    leaderElect: false,
    gracePeriod: 90_000,
    controllers: ['*'],
    mode: 'slow',
    kubeconfig: undefined,
    workers: 4,
  })
})

test('a bare boolean means true and does not eat what follows', () => {
  const config = read(['--leader-elect', '--port=7'])
  assert.equal(config.leaderElect, true)
  assert.equal(config.port, 7)
})

test('every wrong setting is named at once, with its place', () => {
  assert.throws(
    () => read(['--prot=1', '--workers=many', '--mode=odd', '--kubeconfig', 'x', 'stray', '--grace-period'], { COXSWAIN_PORT: '70000' }),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /unknown flag --prot; did you mean --port\?/)
      assert.match(error.message, /--workers: "many" is not a whole number/)
      assert.match(error.message, /--mode: "odd" is none of fast, slow/)
      assert.match(error.message, /unexpected argument "stray"/)
      assert.match(error.message, /--grace-period needs a value/)
      assert.match(error.message, /COXSWAIN_PORT: 70000 is not between 0 and 65535/)
      return true
    },
  )
})

test('a required setting that is absent is said', () => {
  const needs = { server: required(text('the URL')) }
  assert.throws(() => readConfig(program, needs, { args: [], env: {} }), /--server is required: the URL/)
  assert.equal(readConfig(program, needs, { args: ['--server', 'x'], env: {} }).server, 'x')
})

test('help lists every flag with its default', () => {
  assert.throws(
    () => read(['--help']),
    (error) => {
      assert.ok(error instanceof HelpRequested)
      assert.match(error.message, /--grace-period DURATION +how long \(default 40s\)/)
      assert.match(error.message, /--kubeconfig TEXT +where the server is\n/)
      return true
    },
  )
})

test('durations are Go durations', () => {
  for (const [shown, milliseconds] of [
    ['40s', 40_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['2h0m0s', 7_200_000],
    ['1m0.5s', 60_500],
  ] as const) {
    assert.equal(parseDuration(shown), milliseconds)
    assert.equal(showDuration(milliseconds), shown)
  }
  for (const bad of ['', '5', 's', '1x', '1m 3s', '-4s']) assert.throws(() => parseDuration(bad), /is not a duration/)
})
