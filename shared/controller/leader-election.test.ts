import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ManualClock, manualClock } from '../../simulation/time/manual-clock.ts'
import { scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { createHttpClient } from '../client/http-client.ts'
import { silentLogger } from '../logging/logger.ts'
import { seededRandom } from '../random/random.ts'
import { runAsLeader } from './leader-election.ts'
import { Leadership, LeadershipLost } from './leadership.ts'

interface StoredLease {
  metadata: { resourceVersion: string }
  spec: { holderIdentity?: string; leaseTransitions?: number }
}

/** A server that knows one Lease and the rule of optimistic concurrency. */
function leaseServer() {
  const server = { lease: undefined as StoredLease | undefined, away: false }
  const failure = (code: number, reason: string) => ({ status: code, body: { kind: 'Status', code, reason } })
  let revision = 1
  const transport = scriptedTransport(async ({ method, body, signal }) => {
    if (server.away) await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
    const sent = body ? JSON.parse(body) : undefined
    if (method === 'GET') return server.lease ? { body: server.lease } : failure(404, 'NotFound')
    if (method === 'POST' && server.lease) return failure(409, 'AlreadyExists')
    if (method === 'PUT' && sent.metadata.resourceVersion !== server.lease?.metadata.resourceVersion) return failure(409, 'Conflict')
    server.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(revision++) } }
    return { body: server.lease }
  })
  return { server, transport }
}

function candidate(identity: string, clock: ManualClock, transport: ReturnType<typeof leaseServer>['transport']) {
  const leadership = new Leadership(clock)
  const state = { leading: false, ended: undefined as unknown, stop: new AbortController(), leadership }
  const client = createHttpClient(transport, { clock, userAgent: identity })
  const tools = { clock, random: seededRandom(1), log: silentLogger(), client, leadership }
  void runAsLeader({ name: 'manager', identity }, tools, state.stop.signal, async (signal) => {
    state.leading = true
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    state.leading = false
  }).then(
    () => (state.ended = 'well'),
    (error) => (state.ended = error),
  )
  return state
}

test('one leads, the other takes over at once when it stops', async () => {
  const clock = manualClock()
  const { server, transport } = leaseServer()
  const a = candidate('a', clock, transport)
  await clock.settle()
  const b = candidate('b', clock, transport)
  await clock.advance(60_000)
  assert.deepEqual([a.leading, b.leading], [true, false])
  assert.equal(server.lease?.spec.holderIdentity, 'a')
  a.stop.abort()
  await clock.settle()
  assert.equal(a.ended, 'well')
  assert.equal(server.lease?.spec.holderIdentity, '')
  await clock.advance(3_000)
  assert.equal(b.leading, true)
  assert.equal(server.lease?.spec.leaseTransitions, 1)
  b.stop.abort()
  await clock.settle()
  assert.equal(clock.pending.length, 0)
})

test('a leader that cannot renew stops before another may start', async () => {
  const clock = manualClock()
  const { server, transport } = leaseServer()
  const a = candidate('a', clock, transport)
  await clock.advance(10_000)
  server.away = true
  await clock.advance(9_000)
  assert.equal(a.leading, true)
  await clock.advance(3_000)
  assert.equal(a.leading, false)
  assert.ok(a.ended instanceof LeadershipLost)
  server.away = false
  const b = candidate('b', clock, transport)
  await clock.advance(14_000)
  assert.equal(b.leading, false, 'the lease of a crashed leader lasts its time from when it was first seen')
  await clock.advance(4_000)
  assert.equal(b.leading, true)
  b.stop.abort()
  await clock.settle()
})

test('a leader whose lease was taken stops at its next look', async () => {
  const clock = manualClock()
  const { server, transport } = leaseServer()
  const a = candidate('a', clock, transport)
  await clock.advance(5_000)
  server.lease = {
    ...server.lease,
    spec: { ...server.lease?.spec, holderIdentity: 'thief' },
    metadata: { resourceVersion: '99' },
  }
  await clock.advance(2_000)
  assert.ok(a.ended instanceof LeadershipLost)
  assert.equal(server.lease?.spec.holderIdentity, 'thief', 'what is not ours is not released')
})

test('who does not lead may not write, and whose time is over may not either, whatever its timers know', async () => {
  const clock = manualClock()
  const { transport } = leaseServer()
  const may = ({ leadership }: ReturnType<typeof candidate>) => leadership.objection() === undefined
  assert.equal(new Leadership(clock).objection(), undefined, 'where there is no election everyone may')
  const a = candidate('a', clock, transport)
  assert.equal(may(a), false, 'the answer to the claim is not there yet')
  await clock.settle()
  const b = candidate('b', clock, transport)
  await clock.advance(60_000)
  assert.deepEqual([may(a), may(b)], [true, false])
  // The process stands still: time goes on, and no timer of it has run when it wakes.
  clock.jump(9_000)
  assert.equal(may(a), true)
  clock.jump(3_000)
  assert.equal(may(a), false)
  assert.equal(a.leading, true, 'its timers have told it nothing yet')
  a.stop.abort()
  b.stop.abort()
  await clock.settle()
  assert.equal(may(a), false)
})
