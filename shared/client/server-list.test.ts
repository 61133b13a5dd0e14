import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { ServerList } from './server-list.ts'

/** A list of two servers that answer looks so late, in milliseconds; the first is in use. Answers which is in use after a time. */
async function inUse(delays: Readonly<Record<string, number>>, milliseconds: number): Promise<string> {
  const clock = manualClock()
  const isReady = (url: string, signal: AbortSignal) =>
    clock.sleep(delays[url] ?? 0, signal).then(
      () => true,
      () => false,
    )
  const servers = new ServerList(() => Object.keys(delays), {
    clock,
    first: 0,
    isReady,
    lookMilliseconds: 1_000,
    patienceMilliseconds: 2_000,
  })
  const use = servers.use()
  await clock.advance(milliseconds)
  const again = servers.use()
  use.end()
  again.end()
  await clock.settle()
  return again.url
}

const NEVER = 3_600_000

test('a server that stands still is left as soon as another answers, after the patience', async () => {
  assert.equal(await inUse({ one: NEVER, other: 20 }, 2_900), 'one')
  assert.equal(await inUse({ one: NEVER, other: 20 }, 3_100), 'other')
})

test('on a machine where every server is late, the one in use is not left for being late', async () => {
  assert.equal(await inUse({ one: 4_000, other: 1_500 }, 60_000), 'one')
  assert.equal(await inUse({ one: NEVER, other: 1_500 }, 10_000), 'other')
})

test('where nobody answers, nobody is left', async () => {
  assert.equal(await inUse({ one: NEVER, other: NEVER }, 60_000), 'one')
})
