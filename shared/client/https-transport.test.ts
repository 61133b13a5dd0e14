import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createPlain, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { issueAuthority, issueCertificate } from '../certificates/issue-certificate.ts'
import { realClock } from '../time/clock.ts'
import { type Connection, fixedConnection } from './connection.ts'
import { ConnectionError } from './connection-error.ts'
import { createHttpsTransport } from './https-transport.ts'
import { fencedTransport } from './write-fence.ts'

type Ending = { after(action: () => void): void }
const get = (path: string) => ({ method: 'GET', path, headers: {} })
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 }

async function authority() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { certificate: await issueAuthority(pair, { commonName: 'test', ...validity }), key: pem(pair.privateKey) }
  const leaf = async (commonName: string) => {
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
    const content = { subject: { commonName, organizations: [] }, publicKey: own.publicKey, ...validity, names }
    return { key: pem(own.privateKey), certificate: await issueCertificate(issuer, { ...content, usages: ['serverAuth', 'clientAuth'] }) }
  }
  return { ca: issuer.certificate, leaf }
}

async function listen(t: Ending, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

async function plain(t: Ending, handler: RequestListener, silenceMilliseconds = 5_000) {
  const port = await listen(t, createPlain(handler))
  const transport = createHttpsTransport(fixedConnection({ server: `http://127.0.0.1:${port}` }), {
    clock: realClock(),
    silenceMilliseconds,
  })
  t.after(() => transport.close())
  return transport
}

test('over TLS: one connection is kept, and a rotated client certificate is used without a restart', async (t) => {
  const { ca, leaf } = await authority()
  const own = await leaf('server')
  let connections = 0
  const server = createServer({ key: own.key, cert: own.certificate, ca, requestCert: true }, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN)
  })
  server.on('secureConnection', () => connections++)
  const url = `https://127.0.0.1:${await listen(t, server)}`
  let connection: Connection = { server: url, ca, ...(await leaf('first')) }
  let now = 0
  const clock = { ...realClock(), monotonic: () => now }
  const transport = createHttpsTransport({ current: () => connection }, { clock })
  t.after(() => transport.close())
  const ask = async () => (await transport.send(get('/'))).text()
  assert.equal(await ask(), 'first')
  assert.equal(await ask(), 'first')
  assert.equal(connections, 1)
  connection = { server: url, ca, ...(await leaf('second')) }
  now += 6_000
  assert.equal(await ask(), 'second')
  const stranger = createHttpsTransport(fixedConnection({ server: url, ca: (await authority()).ca }), { clock: realClock() })
  t.after(() => stranger.close())
  await assert.rejects(stranger.send(get('/')), (error) => error instanceof ConnectionError && /certificate/.test(error.message))
})

test('a 401 makes it look at the credentials once more', async (t) => {
  const port = await listen(
    t,
    createPlain((request, response) => {
      response.statusCode = request.headers.authorization === 'Bearer new' ? 200 : 401
      response.end()
    }),
  )
  let connection: Connection = { server: `http://127.0.0.1:${port}`, token: 'old' }
  const transport = createHttpsTransport({ current: () => connection }, { clock: realClock() })
  t.after(() => transport.close())
  assert.equal((await transport.send(get('/'))).status, 401)
  connection = { ...connection, token: 'new' }
  assert.equal((await transport.send(get('/'))).status, 200)
})

test('a server that is not there, is silent, or hangs up is a ConnectionError', async (t) => {
  const nowhere = createHttpsTransport(fixedConnection({ server: 'http://127.0.0.1:1' }), { clock: realClock() })
  await assert.rejects(nowhere.send(get('/')), (error) => error instanceof ConnectionError && /ECONNREFUSED/.test(error.message))
  const silent = await plain(t, () => {}, 30)
  await assert.rejects(silent.send(get('/')), (error) => error instanceof ConnectionError && /no answer within 30 ms/.test(error.message))
  const half = await plain(t, (_request, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('half', () => response.destroy())
  })
  await assert.rejects(async () => (await half.send(get('/'))).text(), ConnectionError)
  await assert.rejects(async () => {
    for await (const part of (await half.send(get('/'))).chunks()) assert.equal(Buffer.from(part).toString(), 'half')
  }, ConnectionError)
  const stalled = await plain(t, (_request, response) => void response.writeHead(200, { 'content-length': 100 }).write('half'), 40)
  await assert.rejects(async () => (await stalled.send(get('/'))).text(), ConnectionError)
})

test('an abort ends the exchange at every stage, with its own reason', async (t) => {
  const transport = await plain(t, (request, response) => {
    if (request.url !== '/silent') response.writeHead(200).write('part')
  })
  const reason = new Error('enough')
  const before = new AbortController()
  before.abort(reason)
  await assert.rejects(transport.send({ ...get('/'), signal: before.signal }), reason)
  const waiting = new AbortController()
  const sent = transport.send({ ...get('/silent'), signal: waiting.signal })
  setImmediate(() => waiting.abort(reason))
  await assert.rejects(sent, reason)
  const reading = new AbortController()
  const response = await transport.send({ ...get('/'), signal: reading.signal, stream: true })
  await assert.rejects(async () => {
    for await (const part of response.chunks()) {
      assert.equal(Buffer.from(part).toString(), 'part')
      reading.abort(reason)
    }
  }, reason)
})

test('a read on a kept connection that the server just closed is asked again', async (t) => {
  let served = 0
  const transport = await plain(t, (request, response) => {
    served++
    if (served === 2) return void request.socket.resetAndDestroy()
    response.end('ok')
  })
  const ask = async () => (await transport.send(get('/'))).text()
  assert.equal(await ask(), 'ok')
  assert.equal(await ask(), 'ok')
  assert.equal(served, 3)
})

test('what a fence objects to before it leaves stays here, on a new connection as on a kept one', async (t) => {
  const bodies: string[] = []
  const server = createPlain(async (request, response) => {
    for await (const part of request) bodies.push(String(part))
    response.end()
  })
  const port = await listen(t, server)
  const transport = createHttpsTransport(fixedConnection({ server: `http://127.0.0.1:${port}` }), { clock: realClock() })
  t.after(() => transport.close())
  const objection = new Error('too late')
  let isOver = false
  const fenced = fencedTransport(transport, { objection: () => (isOver ? objection : undefined) })
  const post = (body: string) => fenced.send({ method: 'POST', path: '/', headers: {}, body })

  // Over between the wish and the connection, as in a process that stood still there.
  const waiting = post('first')
  isOver = true
  await assert.rejects(waiting, objection)
  isOver = false
  assert.equal((await post('second')).status, 200)
  const kept = post('third')
  isOver = true
  await assert.rejects(kept, objection)
  await assert.rejects(post('fourth'), objection)
  assert.equal((await fenced.send(get('/'))).status, 200, 'reading stays')
  assert.deepEqual(bodies, ['second'])
})

test('a request that waited for one of the connections is sent on it', async (t) => {
  const transport = await plain(t, (request, response) => void request.resume().on('end', () => response.end()), 3_000)
  const posts = Array.from({ length: 200 }, () => transport.send({ method: 'POST', path: '/', headers: {}, body: 'x' }))
  for (const response of await Promise.all(posts.map(async (sent) => (await sent).text()))) assert.equal(response, '')
})
