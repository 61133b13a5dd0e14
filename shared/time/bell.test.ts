import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bell } from './bell.ts'
import { pause } from './pause.ts'

const settled = (promise: Promise<void>) => Promise.race([promise.then(() => true), new Promise((resolve) => setImmediate(resolve, false))])

test('a bell wakes who waits, and lets nobody wait who has something to do or must stop', async () => {
  const [bell, stopping] = [new Bell(), new AbortController()]
  bell.ring()
  const waiting = bell.rung(false, stopping.signal)
  assert.equal(await settled(waiting), false, 'a ring before is lost')
  bell.ring()
  assert.equal(await settled(waiting), true)
  assert.equal(await settled(bell.rung(true, stopping.signal)), true)
  const stopped = bell.rung(false, stopping.signal)
  stopping.abort(new Error('told to stop'))
  assert.equal(await settled(stopped), true)
  assert.equal(await settled(bell.rung(false, stopping.signal)), true)
})

test('a pause ends when its time is over or its signal aborts; other failures are told', async () => {
  const stopping = new AbortController()
  let over = () => {}
  const clock = { sleep: () => new Promise<void>((resolve) => (over = resolve)) }
  const waiting = pause(clock, 1_000, stopping.signal)
  assert.equal(await settled(waiting), false)
  over()
  assert.equal(await settled(waiting), true)
  const broken = { sleep: () => Promise.reject(new Error('no timers')) }
  await assert.rejects(pause(broken, 1, stopping.signal), /no timers/)
  stopping.abort(new Error('told to stop'))
  await pause(broken, 1, stopping.signal)
})
