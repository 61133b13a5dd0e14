import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ingressBench, rule } from '../harness/ingress-bench.ts'
import { ask, sendRaw } from '../harness/ingress-client.ts'
import { soon } from '../harness/soon.ts'

/** A Pod that writes down what it gets. */
async function scene(t: TestContext, args: readonly string[] = []) {
  const bench = await ingressBench(t, args)
  const got: string[] = []
  const pod = await bench.pod((request, response) => {
    got.push(`${request.method} ${request.url} ${request.headers.host}`)
    request.resume().on('end', () => response.end('fine'))
  })
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  const { http, https } = bench.ingress.ports
  await soon(async () => assert.equal((await ask({ port: http })).status, 200))
  got.length = 0
  return { bench, got, http, https }
}

const statusesOf = (text: string) => [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
const HOST = 'Host: web.example.com\r\n'

test('what two servers could read differently is refused, and nothing of it reaches a Pod', async (t) => {
  const { got, http } = await scene(t)
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: web.example.com\r\n\r\n'
  for (const [name, bytes, status] of [
    ['length and chunks', `POST / HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`, 400],
    ['a length that is none', `POST / HTTP/1.1\r\n${HOST}Content-Length: +5\r\n\r\nhello`, 400],
    ['a coding that hides chunks', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`, 501],
    ['another coding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${smuggled}`, 501],
    ['chunks in HTTP/1.0', `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`, 400],
    ['a space before the colon', `POST / HTTP/1.1\r\n${HOST}Content-Length : 44\r\n\r\n${smuggled}`, 400],
    ['a header over two lines', `GET / HTTP/1.1\r\n${HOST}X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n`, 400],
    ['a chunk of junk', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n${smuggled}`, 400],
    ['two hosts', `GET / HTTP/1.1\r\n${HOST}Host: other.example.com\r\n\r\n`, 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: web.example.com/x\r\n\r\n', 400],
    ['a host with a user', 'GET / HTTP/1.1\r\nHost: a@web.example.com\r\n\r\n', 400],
    ['a target that is none', `GET web HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 405],
    ['junk', '\x16\x03\x01\x02\x00junk\r\n\r\n', 400],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 400],
  ] as const) {
    const statuses = statusesOf(await sendRaw(http, bytes))
    assert.equal(statuses[0], status, name)
    assert.equal(statuses.length, 1, `${name}: the connection ends there`)
    assert.deepEqual(
      got.filter((line) => line.includes('smuggled')),
      [],
      name,
    )
  }
})

test('the host of a URL counts before the header, and what follows a refused upgrade is no request', async (t) => {
  const { got, http } = await scene(t)
  const absolute = await sendRaw(http, 'GET http://web.example.com/a HTTP/1.1\r\nHost: other.example.com\r\nConnection: close\r\n\r\n', {
    isLeftOpen: true,
  })
  assert.deepEqual(statusesOf(absolute), [200])
  assert.deepEqual(got.splice(0), ['GET /a web.example.com'])
  // The Pod answers such an upgrade as if it were none.
  const upgrade = `GET /chat HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n`
  assert.deepEqual(statusesOf(await sendRaw(http, upgrade, { isLeftOpen: true })), [200])
  assert.deepEqual(got.splice(0), ['GET /chat web.example.com'])
  const h2c = `GET /h2c HTTP/1.1\r\n${HOST}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`
  assert.deepEqual(statusesOf(await sendRaw(http, h2c, { isLeftOpen: true })), [200])
})

test('heads and bodies are bounded, over HTTP/1.1 and HTTP/2', async (t) => {
  const { bench, http, https } = await scene(t, ['--max-header-bytes=8192', '--max-body-bytes=1000'])
  const big = 'x'.repeat(20_000)
  assert.deepEqual(statusesOf(await sendRaw(http, `GET / HTTP/1.1\r\n${HOST}X-A: ${big}\r\n\r\n`)), [431])
  assert.equal((await ask({ port: https, headers: { 'x-a': big }, trusting: 'any' }).catch(() => ({ status: 431 }))).status, 431)
  assert.equal((await ask({ port: http, method: 'POST', body: 'x'.repeat(1_001) })).status, 413)
  const chunked = { 'transfer-encoding': 'chunked' }
  assert.equal((await ask({ port: http, method: 'POST', headers: chunked, body: 'x'.repeat(100_000) })).status, 413)
  assert.equal((await ask({ port: http, method: 'POST', headers: chunked, body: 'x'.repeat(1_000) })).status, 200)
  const session = connectHttp2(`https://127.0.0.1:${https}`, { rejectUnauthorized: false, servername: 'web.example.com' })
  t.after(() => session.destroy())
  const stream = session.request({ ':path': '/', ':authority': 'web.example.com', 'x-a': big })
  const [head] = await once(stream, 'response')
  assert.equal(head[':status'], 431)
  assert.equal((await ask({ port: https, trusting: 'any' })).status, 200, 'others are served as before')
  assert.ok(bench.lines.every(({ message }) => message !== 'a fault nobody caught'))
})

test('those who never finish what they say are not waited for, and hold nobody up', async (t) => {
  const { http, https } = await scene(t, ['--answer-timeout=300ms', '--idle-timeout=300ms'])
  // A body that stops coming: the Pod waits for it, and we do not wait for ever.
  const stalled = sendRaw(http, `POST / HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nhalf`, { isLeftOpen: true })
  assert.deepEqual(statusesOf(await stalled), [408])
  const junk = connect(https, '127.0.0.1').on('error', () => undefined)
  t.after(() => junk.destroy())
  junk.write('GET / HTTP/1.1\r\n\r\n')
  await once(junk, 'close')
  // Heads that stand still: many at once, while others are served.
  const slow = Array.from({ length: 200 }, () => connect(http, '127.0.0.1').on('error', () => undefined))
  for (const socket of slow) socket.write('GET / HTTP/1.1\r\nX-')
  t.after(() => slow.forEach((socket) => void socket.destroy()))
  assert.equal((await ask({ port: http })).status, 200)
})

test('only proxies that are trusted may say whom they speak for', async (t) => {
  const bench = await ingressBench(t, ['--trusted-proxies=127.0.0.0/8'])
  const pod = await bench.pod((request, response) => response.end(JSON.stringify(request.headers)))
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  const { http: port } = bench.ingress.ports
  await soon(async () => assert.equal((await ask({ port })).status, 200))
  const headers = { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'outside.example.com' }
  const seen = JSON.parse((await ask({ port, headers })).text)
  assert.equal(seen['x-forwarded-for'], '198.51.100.7, 127.0.0.1')
  assert.deepEqual(
    [seen['x-real-ip'], seen['x-forwarded-proto'], seen['x-forwarded-host']],
    ['198.51.100.7', 'https', 'outside.example.com'],
  )
})

test('a Pod that answers with what HTTP has not harms its own request, and nobody else', async (t) => {
  const bench = await ingressBench(t)
  const answers: Readonly<Record<string, string>> = {
    '/words': 'HTTP/1.1 200 \x01\xff\r\ncontent-length: 2\r\n\r\nok',
    '/low': 'HTTP/1.1 099 Low\r\ncontent-length: 2\r\n\r\nok',
    '/high': 'HTTP/1.1 999 High\r\ncontent-length: 2\r\n\r\nok',
    '/junk': 'junk\r\n\r\n',
    '/both': 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    '/switches': 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
    '/fine': 'HTTP/1.1 200 Fine\r\ncontent-length: 4\r\nx-a: \xe4\r\n\r\nfine',
  }
  const pod = await bench.podOf(
    createServer((socket) =>
      socket.on('error', () => undefined).on('data', (head) => socket.write(answers[String(head).split(' ')[1] ?? ''] ?? '', 'latin1')),
    ),
  )
  await bench.service('web', [pod])
  await bench.expose('web', { rules: [rule('web')] })
  const { http, https } = bench.ingress.ports
  await soon(async () => assert.equal((await ask({ port: http, path: '/fine' })).text, 'fine'))
  for (const port of [http, https]) {
    const trusting = port === https ? { trusting: 'any' } : {}
    const status = async (path: string) => (await ask({ port, path, ...trusting })).status
    assert.equal(await status('/words'), 200)
    for (const path of ['/low', '/high', '/junk', '/both', '/switches']) assert.equal(await status(path), 502, `${path} ${port}`)
    assert.equal(await status('/fine'), 200)
  }
})
