import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { brotliCompressSync, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import { issueAuthority } from '../../shared/certificates/issue-certificate.ts'
import { silentLogger } from '../../shared/logging/logger.ts'
import { StreamScopes } from '../../shared/streams/stream-scope.ts'
import { realClock } from '../../shared/time/clock.ts'
import { roomyBounds } from '../../test/harness/server-bounds.ts'
import { NodeReply, NodeRequest } from '../http/node-exchange.ts'
import { requestInfo } from '../http/request-info.ts'
import { sendError } from '../http/response.ts'
import type { Call } from '../verbs/call.ts'
import type { DialRule } from './dialable-address.ts'
import { proxyTo } from './http-proxy.ts'

const anywhere: DialRule = { problem: () => undefined, require: () => {}, lookup }
const base = '/api/v1/namespaces/ns/services/web/proxy'

async function listen(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

interface Front {
  readonly port: number
  /** Proxied calls that have not ended. */
  open(): number
}

/** A server that passes everything on, as the API server does after it has let a request in. */
async function frontOf(context: TestContext, target: number, scheme: 'http' | 'https' = 'http'): Promise<Front> {
  const scopes = new StreamScopes(silentLogger())
  const server = createServer((raw, response) => {
    const { intake, unsent } = roomyBounds()
    const reply = new NodeReply(response, unsent)
    const info = requestInfo(raw.method ?? 'GET', raw.url ?? '/')
    const call = { info, request: new NodeRequest(raw, { user: undefined, carrier: { intake, response } }), reply } as unknown as Call
    const work = scopes.run('proxy', 'test', (scope) => {
      reply.onClose(() => scope.end())
      return proxyTo({ scheme, host: '127.0.0.1', port: target }, call, { rule: anywhere, scope })
    })
    work.catch((error: unknown) => sendError(reply, error, silentLogger(), {}))
  })
  return { port: await listen(context, server), open: () => scopes.size }
}

/** The backend and what stands before it. */
async function scene(context: TestContext, backend: RequestListener): Promise<Front> {
  return frontOf(context, await listen(context, createServer(backend)))
}

interface Wish {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string
}

async function ask({ port }: Front, path: string, { method = 'GET', headers = {}, body }: Wish = {}) {
  const outgoing = httpRequest({ host: '127.0.0.1', port, path: `${base}${path}`, method, headers, agent: false })
  const early: number[] = []
  outgoing.on('information', ({ statusCode }) => early.push(statusCode))
  outgoing.end(body)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return { code: answer.statusCode, headers: answer.headers, bytes: Buffer.concat(chunks), trailers: answer.trailers, early }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const clock = realClock()
  for (const deadline = clock.monotonic() + 10_000; !holds(); await clock.sleep(5)) {
    assert.ok(clock.monotonic() < deadline, `timed out waiting until ${what}`)
  }
}

for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
  test(`${method} is passed on as it is, with its body and its answer`, async (context) => {
    const front = await scene(context, async (request, response) => {
      const seen = [request.method, request.url, (await text(request)) || 'nothing'].join(' ')
      response.writeHead(201, { 'x-own': 'yes', 'set-cookie': ['a=1', 'b=2'], 'x-seen': seen, 'content-length': 4 }).end('done')
    })
    const body = method === 'GET' || method === 'HEAD' ? undefined : 'content'
    const answer = await ask(front, '/a%20b/./c/?q=1', body ? { method, body, headers: { 'content-length': '7' } } : { method })
    assert.equal(answer.code, 201)
    assert.equal(answer.headers['x-seen'], `${method} /a%20b/./c/?q=1 ${body ?? 'nothing'}`)
    assert.equal(answer.headers['x-own'], 'yes')
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2'])
    assert.equal(answer.headers['content-length'], '4')
    assert.equal(answer.headers['content-type'], undefined)
    assert.equal(answer.bytes.toString(), method === 'HEAD' ? '' : 'done')
  })
}

test('what is the caller’s own, and what is of one connection, stays here; where the call came from is told', async (context) => {
  const front = await scene(context, (request, response) => {
    response.setHeader('connection', 'x-of-connection')
    response.setHeader('x-of-connection', '1')
    response.setHeader('access-control-allow-origin', '*')
    response.end(JSON.stringify(request.headers))
  })
  const headers = {
    ...{
      authorization: 'Bearer secret',
      'proxy-authorization': 'Basic secret',
      'impersonate-user': 'secret',
      'impersonate-extra-x': 'secret',
    },
    ...{
      'x-remote-user': 'secret',
      'x-remote-extra-y': 'secret',
      te: 'trailers',
      'keep-alive': '5',
      connection: 'close, x-mine',
      'x-mine': 'secret',
    },
    ...{ cookie: 'theirs=1', 'x-forwarded-for': '192.0.2.9', accept: 'text/html' },
  }
  const answer = await ask(front, '/', { headers })
  const seen = JSON.parse(answer.bytes.toString())
  assert.doesNotMatch(answer.bytes.toString(), /secret/)
  for (const name of ['authorization', 'te', 'keep-alive', 'x-mine', 'impersonate-user', 'x-remote-user'])
    assert.equal(seen[name], undefined, name)
  assert.equal(seen.cookie, 'theirs=1')
  assert.equal(seen.accept, 'text/html')
  assert.equal(seen['x-forwarded-for'], '192.0.2.9, 127.0.0.1')
  assert.equal(seen['x-forwarded-uri'], `${base}/`)
  assert.equal(seen['x-forwarded-host'], `127.0.0.1:${front.port}`)
  assert.equal(answer.headers['x-of-connection'], undefined)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
})

for (const [location, expected] of [
  ['/login?x=1', `${base}/login?x=1`],
  ['login', 'login'],
  ['http://elsewhere.example/a', 'http://elsewhere.example/a'],
] as const) {
  test(`a redirect to ${location} is the client's to follow, at ${expected}`, async (context) => {
    let count = 0
    const front = await scene(context, (_request, response) => {
      count++
      response.writeHead(302, { location }).end()
    })
    const answer = await ask(front, '/a')
    assert.deepEqual([answer.code, answer.headers.location, count], [302, expected, 1])
  })
}

test('a name without a slash behind it sends readers to the one with, and writers through', async (context) => {
  const front = await scene(context, (request, response) => response.end(request.url))
  const answer = await ask(front, '?x=1')
  assert.deepEqual([answer.code, answer.headers.location], [301, `${base}/?x=1`])
  assert.equal((await ask(front, '?x=1', { method: 'POST', body: '' })).bytes.toString(), '/?x=1')
})

for (const code of [204, 304]) {
  test(`${code} has no body and needs none`, async (context) => {
    const front = await scene(context, (_request, response) => response.writeHead(code, { etag: '"1"' }).end())
    const answer = await ask(front, '/')
    assert.deepEqual([answer.code, answer.headers.etag, answer.bytes.length], [code, '"1"', 0])
  })
}

test('answers on the way, and trailers in both directions', async (context) => {
  const front = await scene(context, async (request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    await text(request)
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('body')
    response.addTrailers({ 'x-sum': `of ${request.trailers['x-sent']}` })
    response.end()
  })
  const outgoing = httpRequest({ host: '127.0.0.1', port: front.port, path: `${base}/`, method: 'POST', headers: { trailer: 'x-sent' } })
  const early = once(outgoing, 'information')
  outgoing.write('some')
  outgoing.addTrailers({ 'x-sent': 'seven' })
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  assert.equal((await early)[0].statusCode, 103)
  assert.equal(await text(answer), 'body')
  assert.deepEqual({ ...answer.trailers }, { 'x-sum': 'of seven' })
})

const html = '<html><a href="/x">é</a></html>'
const rewritten = `<html><a href="${base}/x">é</a></html>`
for (const [coding, encode, decode] of [
  [undefined, (bytes: Buffer) => bytes, (bytes: Buffer) => bytes],
  ['gzip', gzipSync, gunzipSync],
  ['deflate', deflateRawSync, inflateRawSync],
] as const) {
  test(`the links of a page (${coding ?? 'as it is'}) lead through the proxy`, async (context) => {
    const bytes = encode(Buffer.from(html))
    const head = {
      'content-type': 'text/html; charset=utf-8',
      'content-length': bytes.length,
      ...(coding ? { 'content-encoding': coding } : {}),
    }
    const front = await scene(context, (_request, response) => response.writeHead(200, head).end(bytes))
    const answer = await ask(front, '/')
    assert.equal(decode(answer.bytes).toString(), rewritten)
    assert.equal(answer.headers['content-encoding'], coding)
    const only = await ask(front, '/', { method: 'HEAD' })
    assert.deepEqual([only.code, only.bytes.length], [200, 0])
  })
}

for (const [what, head, body] of [
  ['in a coding we do not know', { 'content-type': 'text/html', 'content-encoding': 'br' }, brotliCompressSync(Buffer.from(html))],
  ['that is no page', { 'content-type': 'text/plain' }, Buffer.from(html)],
  ['without a type', {}, Buffer.from(html)],
] as const) {
  test(`a body ${what} passes as it is`, async (context) => {
    const front = await scene(context, (_request, response) => response.writeHead(200, { ...head }).end(body))
    assert.deepEqual((await ask(front, '/')).bytes, body)
  })
}

test('a page is passed on while it is written', async (context) => {
  let rest: ServerResponse | undefined
  const front = await scene(context, (_request, response) => {
    rest = response
    response.writeHead(200, { 'content-type': 'text/html' }).write('<p><a href="/1">')
  })
  const outgoing = httpRequest({ host: '127.0.0.1', port: front.port, path: `${base}/`, agent: false }).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const [first] = await once(answer, 'data')
  assert.equal(String(first), `<p><a href="${base}/1">`)
  rest?.end('</p>')
  assert.equal(await text(answer), '</p>')
})

const LARGE = 48 * 1024 * 1024

test('a large upload waits for a server that does not read yet, and then arrives whole', async (context) => {
  const go = Promise.withResolvers<void>()
  const front = await scene(context, async (request, response) => {
    await go.promise
    let size = 0
    for await (const chunk of request) size += (chunk as Buffer).length
    response.end(String(size))
  })
  const outgoing = httpRequest({ host: '127.0.0.1', port: front.port, path: `${base}/`, method: 'POST', agent: false })
  let sent = 0
  let isFull = false
  const piece = Buffer.alloc(1024 * 1024)
  const done = (async () => {
    for (; sent < LARGE; sent += piece.length) {
      if (outgoing.write(piece)) continue
      isFull = true
      await once(outgoing, 'drain')
    }
    outgoing.end()
  })()
  await until('nothing more is taken', () => isFull)
  const clock = realClock()
  for (let before = -1; before !== sent; await clock.sleep(100)) before = sent
  assert.ok(sent < LARGE / 2, `${sent} bytes were taken for a server that reads none`)
  go.resolve()
  await done
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  assert.equal(await text(answer), String(LARGE))
})

test('a large download waits for a client that does not read yet, and then arrives whole', async (context) => {
  let given = 0
  const front = await scene(context, async (_request, response) => {
    const piece = Buffer.alloc(1024 * 1024)
    for (; given < LARGE; given += piece.length) if (!response.write(piece)) await once(response, 'drain')
    response.end()
  })
  const outgoing = httpRequest({ host: '127.0.0.1', port: front.port, path: `${base}/`, agent: false }).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const clock = realClock()
  for (let before = -1; before !== given; await clock.sleep(100)) before = given
  assert.ok(given < LARGE / 2, `${given} bytes were taken for a client that reads none`)
  let size = 0
  for await (const chunk of answer) size += (chunk as Buffer).length
  assert.equal(size, LARGE)
})

test('a server that answers before it has the body is heard; the connection is not used again', async (context) => {
  const front = await scene(context, (_request, response) => response.writeHead(413, { connection: 'close' }).end('too much'))
  const outgoing = httpRequest({ host: '127.0.0.1', port: front.port, path: `${base}/`, method: 'POST', agent: false })
  outgoing.on('error', () => {}) // the rest of the body has nowhere to go
  outgoing.write(Buffer.alloc(1024))
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  assert.deepEqual([answer.statusCode, answer.headers.connection, await text(answer)], [413, 'close', 'too much'])
  outgoing.destroy()
  await until('the call has ended', () => front.open() === 0)
})

for (const [moment, head] of [
  ['before the answer', false],
  ['in the middle of it', true],
] as const) {
  test(`a client that leaves ${moment} takes the backend's connection with it`, async (context) => {
    const gone = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const front = await scene(context, (_request, response) => {
      response.once('close', () => gone.resolve())
      if (head) response.writeHead(200).write('some')
      asked.resolve()
    })
    const outgoing = httpRequest({ host: '127.0.0.1', port: front.port, path: `${base}/`, agent: false }).end()
    outgoing.on('error', () => {}) // that it was destroyed
    await asked.promise
    if (head) await once(outgoing, 'response')
    outgoing.destroy()
    await gone.promise
    await until('the call has ended', () => front.open() === 0)
  })

  test(`a backend that hangs up ${moment} ends this answer only`, async (context) => {
    const front = await scene(context, (request, response) => {
      if (request.url === '/well') return response.end('well')
      if (head) response.writeHead(200).write('some')
      setImmediate(() => request.socket.destroy())
    })
    if (head) await assert.rejects(ask(front, '/'), { code: 'ECONNRESET' })
    else {
      const answer = await ask(front, '/')
      assert.equal(answer.code, 503)
      assert.match(answer.bytes.toString(), /error trying to reach service/)
    }
    assert.equal((await ask(front, '/well')).bytes.toString(), 'well')
    await until('the calls have ended', () => front.open() === 0)
  })
}

test('nobody behind the proxy is a 503; a certificate nobody vouches for is good enough', async (context) => {
  const answer = await ask(await frontOf(context, 1), '/')
  assert.equal(answer.code, 503)
  assert.match(answer.bytes.toString(), /error trying to reach service: dial tcp 127.0.0.1:1/)
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const cert = await issueAuthority({ publicKey, privateKey }, { commonName: 'nobody', notBefore: 0, notAfter: 2e12 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const backend = createTlsServer({ cert, key }, (_request, response) => response.end('over TLS'))
  const front = await frontOf(context, await listen(context, backend), 'https')
  assert.equal((await ask(front, '/')).bytes.toString(), 'over TLS')
})
