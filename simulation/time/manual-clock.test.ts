import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { manualClock } from './manual-clock.ts'

test('timers run in order, each at its own moment, with what they caused in between', async () => {
  const clock = manualClock(0)
  const seen: [string, number][] = []
  const note = (what: string) => seen.push([what, clock.now()])
  clock.after(30, () => note('late'))
  clock.after(10, () => {
    note('early')
    clock.after(5, () => note('nested'))
    Promise.resolve().then(() => note('promise'))
  })
  const ticking = clock.every(20, () => note('tick'))
  clock.after(10, () => note('second of the same moment'))
  await clock.advance(40)
  assert.deepEqual(seen, [
    ['early', 10],
    ['promise', 10],
    ['second of the same moment', 10],
    ['nested', 15],
    ['tick', 20],
    ['late', 30],
    ['tick', 40],
  ])
  ticking.cancel()
  assert.equal(clock.pending.length, 0)
  assert.equal(clock.now(), 40)
})

test('wall time is whole milliseconds, whatever timers are set for', async () => {
  const clock = manualClock(0)
  const seen: number[] = []
  clock.after(1.5, () => seen.push(clock.now(), clock.monotonic()))
  await clock.advance(1.75)
  assert.deepEqual([...seen, clock.now(), clock.monotonic()], [1, 1.5, 1, 1.75])
})

test('sleep ends with time or with its signal', async () => {
  const clock = manualClock(0)
  const slept = clock.sleep(1000)
  await clock.advance(1000)
  await slept
  const abort = new AbortController()
  const cut = clock.sleep(1000, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(cut, /enough/)
  assert.equal(clock.pending.length, 0)
})

test('settling waits for what is busy, and for files', async () => {
  const clock = manualClock()
  let left = 50
  clock.whileBusy(() => left-- > 0)
  await clock.settle()
  assert.ok(left <= 0)
  let read = ''
  void readFile(import.meta.filename, 'utf8').then((text) => (read = text))
  await clock.settle()
  assert.match(read, /settling waits/)
})
