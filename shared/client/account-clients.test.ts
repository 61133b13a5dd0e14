import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { type ScriptedAnswer, scriptedTransport } from '../../test/harness/scripted-transport.ts'
import { accountClients } from './account-clients.ts'
import { createHttpClient } from './http-client.ts'

/** The answer to a TokenRequest. */
const given = (token: string, expirationSeconds: number) => ({
  body: { spec: { expirationSeconds }, status: { token, expirationTimestamp: '2026-01-01T00:00:00Z' } },
})

const ACCOUNT = { namespace: 'kube-system', name: 'worker' }
const HOUR = 3_600_000
const failure = (code: number, reason: string): ScriptedAnswer => ({
  status: code,
  body: { kind: 'Status', code, reason, message: reason },
})

/** A server that hands out tokens 1, 2, … for an hour each, and knows which it takes. */
function bench() {
  const clock = manualClock()
  const state = { issued: 0, refused: '', tokens: undefined as ScriptedAnswer | Promise<ScriptedAnswer> | undefined }
  const manager = scriptedTransport(() => {
    const token = String(++state.issued)
    return state.tokens ?? given(token, 3_600)
  })
  const anonymous = scriptedTransport(({ headers }) =>
    headers['authorization'] === `Bearer ${state.refused}` ? failure(401, 'Unauthorized') : { body: { metadata: { name: 'x' } } },
  )
  const of = accountClients({ client: createHttpClient(manager, { clock, userAgent: 'm' }), anonymous, clock, userAgent: 'm' })
  const ask = (signal?: AbortSignal) => of(ACCOUNT).get('v1', 'Node', { name: 'x' }, { signal })
  const bearers = () => anonymous.requests.map(({ headers }) => headers['authorization']?.split(' ')[1])
  return { clock, state, manager, ask, bearers, of }
}

test('a token is asked for with the first request, once, and serves all', async () => {
  const { manager, ask, bearers, of } = bench()
  assert.equal(of(ACCOUNT), of({ ...ACCOUNT }), 'one client an account')
  assert.equal(manager.requests.length, 0)
  await Promise.all([ask(), ask(), ask()])
  await ask()
  assert.deepEqual(bearers(), ['1', '1', '1', '1'])
  assert.deepEqual(
    manager.requests.map(({ method, path }) => `${method} ${path}`),
    ['POST /api/v1/namespaces/kube-system/serviceaccounts/worker/token'],
  )
})

test('it is renewed beside the work, and kept while no other can be had', async () => {
  const { clock, state, manager, ask, bearers } = bench()
  await ask()
  await clock.advance(0.79 * HOUR)
  await ask()
  assert.equal(manager.requests.length, 1, 'young enough')
  await clock.advance(0.02 * HOUR)
  state.tokens = failure(500, 'InternalError')
  await ask()
  await clock.settle()
  await ask()
  assert.equal(manager.requests.length, 2, 'a renewal that failed is not tried with each request')
  await clock.advance(10_000)
  const late = Promise.withResolvers<ScriptedAnswer>()
  state.tokens = late.promise
  await ask()
  assert.deepEqual(bearers(), ['1', '1', '1', '1', '1'], 'nobody waits for it')
  late.resolve(given('fresh', 3_600))
  await clock.settle()
  await ask()
  assert.equal(bearers().at(-1), 'fresh')
})

test('without a valid token the failure is the caller’s, and who leaves does not wait', async () => {
  const { clock, state, ask } = bench()
  await ask()
  await clock.advance(HOUR)
  state.tokens = failure(403, 'Forbidden')
  await assert.rejects(ask(), /Forbidden/)
  state.tokens = new Promise(() => {})
  const leaving = new AbortController()
  const asked = ask(leaving.signal)
  leaving.abort(new Error('stopping'))
  await assert.rejects(asked, /stopping/)
})

test('one that the server refuses is replaced once; a second refusal is the answer', async () => {
  const { state, manager, ask, bearers } = bench()
  await ask()
  state.refused = '1'
  await ask()
  assert.deepEqual(bearers(), ['1', '1', '2'])
  state.refused = '2'
  state.tokens = given('2', 3_600)
  await assert.rejects(ask(), /Unauthorized/)
  assert.equal(manager.requests.length, 3)
})

test('a missing account is made, also when somebody else makes it at the same time', async () => {
  for (const making of [{ body: { metadata: { name: 'worker' } } }, failure(409, 'AlreadyExists')]) {
    const clock = manualClock()
    let isThere = false
    const manager = scriptedTransport(({ path }) => {
      if (path.endsWith('/token')) return isThere ? given('t', 600) : failure(404, 'NotFound')
      isThere = true
      return making
    })
    const anonymous = scriptedTransport(() => ({ body: {} }))
    const of = accountClients({ client: createHttpClient(manager, { clock, userAgent: 'm' }), anonymous, clock, userAgent: 'm' })
    await of(ACCOUNT).get('v1', 'Node', { name: 'x' })
    assert.equal(manager.requests.length, 3)
    assert.equal(anonymous.requests[0]?.headers['authorization'], 'Bearer t')
  }
})
