/** Everything that can be in a joining machine's way, against a real API server and real sockets: a sentence, a cure, and whether it heals. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { bootstrapTokenSecret } from '../../../shared/certificates/bootstrap-token.ts'
import { timestamp } from '../../../shared/time/timestamp.ts'
import { manualClock } from '../../../simulation/time/manual-clock.ts'
import { type ServedApi, serveApi } from '../../../test/harness/served-api.ts'
import { authorityHash } from './authority-hash.ts'
import { discover, type JoinWish, LAB_KEY } from './discover.ts'
import { clockProblem, connectionProblem, JoinProblem } from './join-problem.ts'
import { keepTrying } from './keep-trying.ts'

const ranges = { clusterCidr: '10.1.0.0/16', serviceCidr: '10.2.0.0/16', clusterDns: '10.2.0.10', clusterDomain: 'lab.example' }
const good = { id: 'abcdef', secret: '0123456789abcdef' }
const HOUR = 3_600_000

let api: ServedApi
let plain: Server
before(async () => {
  api = await serveApi()
  const put = (token: typeof good, expiration?: string) =>
    api.call(api.admin, 'POST', '/api/v1/namespaces/kube-system/secrets', bootstrapTokenSecret(token, { description: '', expiration }))
  assert.equal((await put(good)).code, 201)
  assert.equal((await put({ ...good, id: 'ended1' }, timestamp(Date.now() - HOUR))).code, 201)
  const node = (name: string, status: string) => ({ metadata: { name }, status: { conditions: [{ type: 'Ready', status }] } })
  assert.equal((await api.call(api.admin, 'POST', '/api/v1/nodes', node('alive', 'True'))).code, 201)
  assert.equal((await api.call(api.admin, 'POST', '/api/v1/nodes', node('gone', 'Unknown'))).code, 201)
  await publish(JSON.stringify(ranges))
  plain = createServer((socket) => socket.end('SSH-2.0-something\r\n')).listen(0, '127.0.0.1')
  await once(plain, 'listening')
})
after(async () => {
  plain.close()
  await api.stop()
})

const card = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
async function publish(text: string | null): Promise<void> {
  const patch = { data: { [LAB_KEY]: text } }
  assert.equal((await api.call(api.admin, 'PATCH', card, patch, 'application/merge-patch+json')).code, 200)
}

const wish = (change: Partial<JoinWish> = {}): JoinWish => ({
  server: new URL(`https://127.0.0.1:${new URL(api.server.url).port}`),
  token: `${good.id}.${good.secret}`,
  authorityHashes: [authorityHash(api.server.credentials.authority)],
  nodeName: 'n1',
  ...change,
})
const join = (change: Partial<JoinWish> = {}, now = () => Date.now()) => discover(wish(change), now)
const portOf = (server: Server) => (server.address() as { port: number }).port

test('a machine that is welcome learns the authority and the ranges', async () => {
  assert.deepEqual(await join(), { authority: api.server.credentials.authority, ranges })
  assert.deepEqual((await join({ nodeName: 'gone' })).ranges, ranges, 'a dead machine’s name may be taken')
  const several = [`sha256:${'0'.repeat(64)}`, authorityHash(api.server.credentials.authority)]
  assert.deepEqual((await join({ authorityHashes: several })).ranges, ranges, 'one of several hashes is enough')
})

const problems: [string, () => Promise<unknown>, { says: RegExp; cure: RegExp; heals: boolean }][] = [
  [
    'a token that has expired',
    () => join({ token: `ended1.${good.secret}` }),
    { says: /does not take the token ended1: it has expired/, cure: /token create/, heals: false },
  ],
  ['a token that nobody made', () => join({ token: `zzzzzz.${good.secret}` }), { says: /token zzzzzz/, cure: /token list/, heals: false }],
  ['a mistyped secret', () => join({ token: `${good.id}.fedcba9876543210` }), { says: /mistyped/, cure: /token create/, heals: false }],
  [
    'another authority',
    () => join({ authorityHashes: [`sha256:${'1'.repeat(64)}`] }),
    { says: /not the one of the given hash/, cure: /right hash/, heals: false },
  ],
  [
    'a living node’s name',
    () => join({ nodeName: 'alive' }),
    { says: /another machine is the node alive/, cure: /--node-name/, heals: true },
  ],
  [
    'a clock that is behind',
    () => join({}, () => Date.now() - 3 * HOUR),
    { says: /clock is 3 hours behind the server's/, cure: /set-ntp/, heals: true },
  ],
  [
    'a clock that is ahead',
    () => join({}, () => Date.now() + 10 * 60_000),
    { says: /clock is 10 minutes ahead of the server's/, cure: /date -s/, heals: true },
  ],
  [
    'a port where nothing listens',
    () => join({ server: new URL('https://127.0.0.1:1') }),
    { says: /nothing listens on port 1 of 127\.0\.0\.1/, cure: /6443/, heals: true },
  ],
  [
    'a port where something else listens',
    () => join({ server: new URL(`https://127.0.0.1:${portOf(plain)}`) }),
    { says: /speaks no TLS/, cure: /right port/, heals: true },
  ],
  [
    'a name that leads nowhere',
    () => join({ server: new URL('https://server.invalid:6443') }),
    { says: /server\.invalid leads to no address/, cure: /\/etc\/hosts/, heals: true },
  ],
]
for (const [what, attempt, { says, cure, heals }] of problems) {
  test(`in the way: ${what}`, async () => {
    await assert.rejects(attempt(), (error) => {
      assert.ok(error instanceof JoinProblem, String(error))
      assert.match(error.message, says)
      assert.match(error.cure, cure)
      assert.equal(error.heals, heals)
      return true
    })
  })
}

/** As Node reports it: the code on the error or on one that caused it. */
const failure = (code: string) => new Error('x', { cause: Object.assign(new Error('y'), { code }) })

test('in the way: no route, no answer, a clock before the certificate', () => {
  const at = { host: '192.0.2.1', port: '6443' }
  assert.match(connectionProblem(failure('EHOSTUNREACH'), at).message, /no route to 192\.0\.2\.1/)
  assert.match(connectionProblem(failure('ENETUNREACH'), at).cure, /ip route get 192\.0\.2\.1/)
  assert.match(connectionProblem(failure('ETIMEDOUT'), at).cure, /firewall/)
  assert.match(connectionProblem(failure('CERT_NOT_YET_VALID'), at).cure, /set the clock/)
  assert.match(connectionProblem(new AggregateError([failure('ECONNREFUSED')]), at).message, /nothing listens on port 6443/)
})

test('in the way: a certificate that is not made out to that name', () => {
  const problem = connectionProblem(failure('ERR_TLS_CERT_ALTNAME_INVALID'), { host: 'lab', port: '6443' })
  assert.match(problem.message, /not made out to lab/)
  assert.match(problem.cure, /--tls-san=lab/)
  assert.equal(problem.heals, false)
})

test('a clock within what certificates forgive is no problem, nor is an answer without a date', () => {
  const date = 'Sat, 28 Nov 2026 12:00:00 GMT'
  assert.equal(clockProblem(date, Date.parse(date) + 4 * 60_000), undefined)
  assert.equal(clockProblem(undefined, 0), undefined)
  assert.match(clockProblem(date, Date.parse(date) - 72 * HOUR)?.message ?? '', /3 days behind/)
})

test('a server without ranges on its card was not started by us', async (t) => {
  t.after(() => publish(JSON.stringify(ranges)))
  for (const text of [null, 'no JSON', '{"clusterCidr":1}', '[]']) {
    await publish(text)
    await assert.rejects(join(), /does not tell its ranges/)
  }
})

test('what heals is tried again and said once; what does not ends the join at once', async () => {
  const clock = manualClock()
  const said: string[] = []
  let attempts = 0
  const heal = (until: number) => async () => {
    attempts++
    if (attempts < until) throw new JoinProblem('the server is starting', 'wait', { heals: true })
    return 'joined'
  }
  const patience = { clock, within: 60_000, say: (line: string) => void said.push(line) }
  const joining = keepTrying(heal(5), patience)
  for (let step = 0; step < 5; step++) await clock.advance(2_000)
  assert.equal(await joining, 'joined')
  assert.deepEqual(said, ['the server is starting; trying again. Cure: wait'])

  const giving = keepTrying(heal(1_000), patience)
  giving.catch(() => {}) // told below
  for (let step = 0; step < 40; step++) await clock.advance(2_000)
  await assert.rejects(giving, /starting/)
  const final = async () => {
    throw new JoinProblem('no', 'never', { heals: false })
  }
  await assert.rejects(keepTrying(final, patience), /no/)
})
