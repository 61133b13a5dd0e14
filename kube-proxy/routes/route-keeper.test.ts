import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { PodRoute } from '../../shared/pods/pod-routes.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { RouteKeeper } from './route-keeper.ts'

const routes = [{ range: '10.77.2.0/24', via: '172.31.1.2' }]

test('routes are set when they change and every 15 seconds, after a failure every second', async () => {
  const clock = manualClock()
  const set: (readonly PodRoute[])[] = []
  let fails = true
  const machine = {
    async apply(wanted: readonly PodRoute[]) {
      set.push(wanted)
      if (fails) throw new Error('Nexthop has invalid gateway.')
    },
  }
  const keeper = new RouteKeeper(machine, clock, silentLogger())
  const stopping = new AbortController()
  const ended = keeper.run(stopping.signal)
  await clock.advance(20_000)
  assert.deepEqual([set.length, keeper.problem], [0, 'routes to other nodes are not set yet'], 'nothing is wanted yet')

  await keeper.apply(routes)
  await clock.advance(0)
  assert.deepEqual([set, keeper.problem], [[routes], 'Nexthop has invalid gateway.'])
  fails = false
  await clock.advance(1_000)
  assert.deepEqual([set.length, keeper.problem], [2, undefined])
  await clock.advance(14_000)
  assert.equal(set.length, 2)
  await clock.advance(1_000)
  assert.equal(set.length, 3, 'what a link took comes back')
  await keeper.apply([])
  await clock.advance(0)
  assert.deepEqual(set.at(-1), [])

  stopping.abort()
  await ended
})
