import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { silentLogger } from '../logging/logger.ts'
import { StreamScope, StreamScopes } from './stream-scope.ts'

const make = () => new StreamScope('test', silentLogger())
const late = (stream: PassThrough) => new Promise((resolve) => stream.once('close', resolve))

test('a scope ends once, and with it all it owns; what comes later is ended at once', async () => {
  const scope = make()
  const owned = scope.own(new PassThrough())
  const calls: string[] = []
  scope.onEnd(() => calls.push('one'))
  const takeBack = scope.onEnd(() => calls.push('taken back'))
  scope.onEnd(() => {
    throw new Error('a part that fails')
  })
  scope.onEnd(() => calls.push('two'))
  takeBack()
  scope.end(new Error('first'))
  scope.end(new Error('second'))
  assert.equal(scope.signal.reason.message, 'first')
  assert.ok(owned.destroyed)
  assert.ok(scope.own(new PassThrough()).destroyed)
  scope.onEnd(() => calls.push('late'))
  assert.deepEqual(calls, ['one', 'two', 'late'])
})

test('an owned stream that breaks harms nobody, before and after the end', async () => {
  const scope = make()
  const first = scope.own(new PassThrough())
  first.destroy(new Error('broken'))
  await late(first)
  assert.ok(!scope.isOver)
  const second = scope.own(new PassThrough())
  scope.end()
  second.emit('error', new Error('after the end'))
})

test('the client’s connection takes the scope with it; a listener that throws takes only the scope', async () => {
  const scope = make()
  const client = scope.follow(new PassThrough())
  client.destroy()
  await late(client)
  assert.match(scope.signal.reason.message, /went away/)
  const other = make()
  const listener = other.guard((text: string) => {
    throw new Error(text)
  })
  listener('bad frame')
  assert.equal(other.signal.reason.message, 'bad frame')
  listener('never heard')
})

test('a farewell waits for the peer, but not for ever', async () => {
  const clock = manualClock(0)
  const scope = make()
  const silent = scope.own(new PassThrough({ autoDestroy: false }))
  const done = scope.farewell(silent, clock)
  assert.ok(silent.writableEnded)
  await clock.advance(5_000)
  await done
  assert.ok(silent.destroyed)
})

test('scopes are counted while they are open and ended together', async () => {
  const scopes = new StreamScopes(silentLogger())
  const waits = (verb: string) =>
    scopes.run(verb, verb, ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)))
  const all = [waits('exec'), waits('exec'), waits('log')]
  assert.deepEqual(
    [...scopes.counts()],
    [
      [{ verb: 'exec' }, 2],
      [{ verb: 'log' }, 1],
    ],
  )
  const failing = scopes.run('exec', 'x', () => Promise.reject(new Error('its own')))
  await assert.rejects(failing, { message: 'its own' })
  scopes.endAll()
  await Promise.all(all)
  assert.equal(scopes.size, 0)
})
