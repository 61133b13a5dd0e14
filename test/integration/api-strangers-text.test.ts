import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemGroup, systemUser } from '../../apiserver/authn/system-names.ts'
import type { User } from '../../apiserver/authn/user.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { Metrics } from '../../shared/metrics/metrics.ts'
import { createHealthServer } from '../../shared/process/health-server.ts'
import { admin, startApi, type TestApi } from '../harness/api.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const anonymous: User = { name: systemUser.anonymous, groups: [systemGroup.unauthenticated] }
const somebody: User = { name: 'somebody', groups: [systemGroup.authenticated] }
const MEBIBYTE = 1024 * 1024

/** Text that no other request has. */
const unique = (n: number, length: number) => `x${n}`.padEnd(length, 'abcdefghij')

/** Heap and buffers, MiB, after everything that can go has gone. */
function held(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / MEBIBYTE
}

const ways: readonly ((n: number, length: number) => { path: string; headers?: Record<string, string> })[] = [
  (n, length) => ({ path: `/${unique(n, length)}` }),
  (n, length) => ({ path: `/api/v1/${unique(n, length)}` }),
  (n, length) => ({ path: `/apis/${unique(n, length)}/v1/things` }),
  (n, length) => ({ path: `/apis/apps/${unique(n, length)}/deployments` }),
  (n, length) => ({ path: `/api/v1/namespaces/${unique(n, length)}/pods` }),
  (n, length) => ({ path: `/api/v1/namespaces/default/pods/${unique(n, length)}` }),
  (n, length) => ({ path: `/api/v1/namespaces/default/pods/a/${unique(n, length)}` }),
  (n, length) => ({ path: `/api/v1/namespaces/default/pods?fieldSelector=metadata.name%3D${unique(n, length)}` }),
  (n, length) => ({ path: `/api/v1/namespaces/default/pods?continue=${unique(n, length)}` }),
  (n, length) => ({ path: '/version', headers: { accept: `application/json;q=0.5;${unique(n, length)}` } }),
  (n, length) => ({ path: '/api/v1/namespaces', headers: { accept: `application/json;q=0.5;${unique(n, length)}` } }),
  (n, length) => ({ path: '/version', headers: { 'user-agent': unique(n, length) } }),
  (n, length) => ({ path: '/version', headers: { authorization: `Bearer ${unique(n, length)}` } }),
  (n, length) => ({ path: '/version', headers: { 'impersonate-user': unique(n, length) } }),
]

async function ask(api: TestApi, users: readonly User[], rounds: number, length: number): Promise<void> {
  for (let n = 0; n < rounds; n++) {
    for (const [way, make] of ways.entries()) {
      for (const user of users) {
        const { path, headers } = make((n * ways.length + way) * users.length, length)
        await api.request('GET', path, undefined, headers, user)
      }
    }
  }
}

async function served(context: TestContext) {
  const api = await startApi({}, context)
  await ask(api, [anonymous, somebody, admin], 20, 100)
  return api
}

test('what strangers call things by is not kept, however long and however many', async (t) => {
  const api = await served(t)
  const before = held()
  await ask(api, [anonymous, somebody, admin], 8, 900_000)
  const long = held() - before
  assert.ok(long < 40, `${long.toFixed(0)} MiB are kept of 300 MB of names`)
  await ask(api, [anonymous, somebody, admin], 60, inputLimits.pathBytes - 100)
  const many = held() - before
  assert.ok(many < 40, `${many.toFixed(0)} MiB are kept of 2,500 requests with 8 KB of text each`)
})

test('resources that are not served are one line of the metrics, whatever they are called', async (t) => {
  const api = await served(t)
  for (let n = 0; n < 50; n++) await api.request('GET', `/api/v1/${unique(n, 200)}`)
  await api.request('GET', '/api/v1/configmaps')
  const { text } = await api.request('GET', '/metrics')
  const lines = text.split('\n').filter((line) => line.startsWith('apiserver_request_total{verb="list"'))
  assert.ok(
    lines.some((line) => line.includes('resource="other"')),
    text,
  )
  assert.ok(
    lines.some((line) => line.includes('resource="configmaps"')),
    text,
  )
  assert.ok(!text.includes(unique(1, 20)), 'a made-up name is a label')
})

test('a path or a query beyond its limit is 414, a header that is read beyond its is 431; both say the limit', async (t) => {
  const api = await startApi({}, t)
  const fits = await api.request('GET', `/api/v1/namespaces/default/pods/${'a'.repeat(inputLimits.pathBytes - 100)}`)
  assert.equal(fits.status, 404)
  const path = await api.request('GET', `/${'a'.repeat(inputLimits.pathBytes)}`)
  assert.equal(path.status, 414)
  assert.equal(path.json['kind'], 'Status')
  assert.match(String(path.json['message']), /the path of the request has 8193 bytes, 8192 at most/)
  const query = await api.request('GET', `/api/v1/pods?labelSelector=${'a'.repeat(inputLimits.queryBytes)}`)
  assert.equal(query.status, 414)
  assert.match(String(query.json['message']), /the query .* 262144 at most/)
  const accept = await api.request('GET', '/api/v1/pods', undefined, {
    accept: `application/json;${'a'.repeat(inputLimits.headerCharacters)}`,
  })
  assert.equal(accept.status, 431)
  assert.match(String(accept.json['message']), /the header Accept is longer than 8192 characters/)
})

test('a head that is too large, or that is no HTTP, is answered as a Status before the connection is closed', async (t) => {
  const api = await startApi({ listen: true, args: ['--insecure-port', '0'] }, t)
  const { port } = new URL(api.server.url)
  const say = async (bytes: string) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false })
    // The server may close while we still write; what it said is what counts.
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(bytes)
    await once(socket, 'close')
    const [head = '', body = ''] = text.split('\r\n\r\n')
    return { head, status: JSON.parse(body) as { kind: string; code: number; message: string } }
  }
  const large = await say(`GET /version HTTP/1.1\r\nHost: a\r\nX-Large: ${'a'.repeat(inputLimits.headerBytes + 10)}\r\n\r\n`)
  assert.match(large.head, /^HTTP\/1\.1 431 /)
  assert.equal(large.status.code, 431)
  assert.equal(large.status.kind, 'Status')
  const strange = await say('NONSENSE\r\n\r\n')
  assert.match(strange.head, /^HTTP\/1\.1 400 /)
  assert.match(strange.status.message, /not HTTP/)
})

test('a URL that is none does not end a process that answers health checks', async (t) => {
  const health = createHealthServer({ host: '127.0.0.1', port: 0 }, { metrics: new Metrics() })
  const port = await health.start()
  t.after(() => health.stop())
  const ask = async (target: string) => {
    const socket = connectTcp(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    await once(socket, 'close')
    return text
  }
  assert.match(await ask('//'), /^HTTP\/1\.1 404 /)
  assert.match(await ask('http://['), /^HTTP\/1\.1 404 /)
  assert.match(await ask('/healthz?verbose'), /check passed/)
})
