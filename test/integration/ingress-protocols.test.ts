import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type ClientHttp2Session, connect as connectHttp2, createServer as createHttp2Server, type IncomingHttpHeaders } from 'node:http2'
import { type TestContext, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { type IngressBench, ingressBench, rule } from '../harness/ingress-bench.ts'
import { ask } from '../harness/ingress-client.ts'
import { soon } from '../harness/soon.ts'

async function ready({ ingress }: IngressBench): Promise<void> {
  await soon(async () => assert.notEqual((await ask({ port: ingress.ports.http, path: '/ready' })).status, 404))
}

function overHttp2(t: TestContext, { ingress }: IngressBench): ClientHttp2Session {
  const session = connectHttp2(`https://127.0.0.1:${ingress.ports.https}`, { rejectUnauthorized: false, servername: 'web.example.com' })
  t.after(() => session.destroy())
  return session
}

async function read(stream: ReturnType<ClientHttp2Session['request']>) {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  const parts: Buffer[] = []
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (given) => {
    trailers = given
  })
  stream.on('data', (part: Buffer) => parts.push(part))
  await once(stream, 'end')
  return { status: headers[':status'], headers, text: Buffer.concat(parts).toString(), trailers }
}

test('HTTP/2 in front of a Pod with HTTP/1.1: bodies both ways, many at once, cookies as one header', async (t) => {
  const bench = await ingressBench(t)
  const pod = await bench.pod((request, response) => {
    response.setHeader(
      'x-seen',
      JSON.stringify([request.httpVersion, request.headers.cookie, request.headers['x-forwarded-proto'], request.headers.host]),
    )
    request.pipe(response)
  })
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  await ready(bench)
  const session = overHttp2(t, bench)
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const stream = session.request({ ':method': 'POST', ':path': `/${index}`, ':authority': 'web.example.com', cookie: ['a=1', 'b=2'] })
      stream.end(`body ${index}`)
      return read(stream)
    }),
  )
  assert.deepEqual(
    answers.map(({ text }) => text),
    Array.from({ length: 50 }, (_, index) => `body ${index}`),
  )
  assert.equal(answers[0]?.headers['x-seen'], JSON.stringify(['1.1', 'a=1; b=2', 'https', 'web.example.com']))
  assert.equal(answers[0]?.headers['connection'], undefined)
})

test('gRPC: HTTP/2 to the Pod where its port says so, trailers with and without a body, one stream that speaks both ways', async (t) => {
  const bench = await ingressBench(t)
  const server = createHttp2Server()
  server.on('stream', (stream, headers) => {
    assert.equal(headers['te'], 'trailers')
    if (headers[':path'] === '/fails') return stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true })
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-host': String(headers[':authority']) }))
    stream.on('data', (part: Buffer) => stream.write(`echo ${part}`))
    stream.on('end', () => stream.end())
  })
  await bench.service('web', [await bench.podOf(server)], 'kubernetes.io/h2c')
  await bench.expose('web', { rules: [rule('web')] })
  const session = overHttp2(t, bench)
  const call = (path: string) => session.request({ ':method': 'POST', ':path': path, ':authority': 'web.example.com', te: 'trailers' })
  await soon(async () => {
    const probe = call('/fails')
    probe.end()
    assert.equal((await read(probe)).headers['grpc-status'], '5')
  })
  const stream = call('/talks')
  const answer = read(stream)
  stream.write('one')
  const [first] = await once(stream, 'data')
  assert.equal(String(first), 'echo one', 'answered before the request has ended')
  stream.end('two')
  const { text, trailers } = await answer
  assert.equal(text, 'echo oneecho two')
  assert.equal(trailers['grpc-status'], '0')
  assert.equal(trailers['x-host'], 'web.example.com')
  // A client that speaks HTTP/1.1 reaches the same Pod.
  assert.equal((await ask({ port: bench.ingress.ports.http, path: '/fails', headers: { te: 'trailers' } })).headers['grpc-status'], '5')
})

test('WebSockets go through, with TLS and without; a Pod that refuses one answers, and the connection ends', async (t) => {
  const bench = await ingressBench(t)
  const server = createServer((_request, response) => void response.writeHead(426).end('no'))
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/refused') return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nnope')
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.send(JSON.stringify(request.headers['x-forwarded-proto']))
      client.on('message', (data) => client.send(String(data).toUpperCase()))
    })
  })
  await bench.service('web', [await bench.podOf(server)])
  await bench.expose('web', { rules: [rule('web')] })
  await ready(bench)
  const { http, https } = bench.ingress.ports
  for (const [url, proto] of [
    [`ws://127.0.0.1:${http}/chat`, '"http"'],
    [`wss://127.0.0.1:${https}/chat`, '"https"'],
  ] as const) {
    const client = new WebSocket(url, { headers: { host: 'web.example.com' }, rejectUnauthorized: false })
    const [hello] = await once(client, 'message')
    assert.equal(String(hello), proto)
    client.send('x'.repeat(100_000))
    assert.equal(String((await once(client, 'message'))[0]).length, 100_000)
    client.close(4000)
    assert.equal((await once(client, 'close'))[0], 4000)
  }
  const refused = new WebSocket(`ws://127.0.0.1:${http}/refused`, { headers: { host: 'web.example.com' } })
  const [, answer] = await once(refused, 'unexpected-response')
  assert.equal(answer.statusCode, 403)
  assert.equal(answer.headers.connection, 'close')
  refused.on('error', () => undefined)
  const nowhere = new WebSocket(`ws://127.0.0.1:${http}/chat`, { headers: { host: 'nowhere.example.com' } })
  assert.equal((await once(nowhere, 'unexpected-response'))[1].statusCode, 404)
  nowhere.on('error', () => undefined)
  const statuses = () =>
    bench.lines.filter(({ message, fields }) => message === 'request' && fields['path'] === '/chat').map(({ fields }) => fields['status'])
  await soon(() => assert.deepEqual(statuses(), [101, 101, 404]))
})

test('an answer is read while it is written, and a body arrives while it is sent; a slow reader slows the Pod down', async (t) => {
  const bench = await ingressBench(t)
  let written = 0
  const pod = await bench.pod((request, response) => {
    if (request.url === '/events') return void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    if (request.url === '/echo') return void request.pipe(response)
    const part = Buffer.alloc(64 * 1024)
    const write = () => {
      while (response.write(part)) written += part.length
      response.once('drain', write)
    }
    if (request.url === '/endless') write()
    else response.end()
  })
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  await ready(bench)
  const begin = (path: string, method = 'GET') => {
    const sent = request({
      host: '127.0.0.1',
      port: bench.ingress.ports.http,
      path,
      method,
      headers: { host: 'web.example.com' },
      agent: false,
    })
    t.after(() => sent.destroy())
    return sent.on('error', () => undefined)
  }
  const events = begin('/events')
  events.end()
  const [head] = await once(events, 'response')
  assert.equal(head.headers['content-type'], 'text/event-stream', 'the head comes before any body')
  const echo = begin('/echo', 'POST')
  echo.write('one')
  const [answer] = await once(echo, 'response')
  assert.equal(String((await once(answer, 'data'))[0]), 'one')
  echo.write('two')
  assert.equal(String((await once(answer, 'data'))[0]), 'two')
  const endless = begin('/endless')
  endless.end()
  const [body] = await once(endless, 'response')
  body.pause()
  let before = -1
  await soon(() => {
    const last = before
    before = written
    assert.equal(written, last, 'it stands still')
  })
  assert.ok(written < 64 * 1024 * 1024, `${written} bytes are on their way`)
})
