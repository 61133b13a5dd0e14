import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { ConfigError } from '../../shared/process/config.ts'
import { startApi, type TestApi } from '../harness/api.ts'
import { configMap } from '../harness/bodies.ts'

let api: TestApi
let url: URL

before(async () => {
  api = await startApi({ listen: true, args: ['--insecure-port', '18080', '--health-port', '18081'] })
  url = new URL(api.server.url)
})
after(() => api.stop())

const pki = (file: string) => readFileSync(join(api.dataDir, 'pki', file), 'utf8')

async function dial(): Promise<TLSSocket> {
  const socket = connect({
    ...{ host: '127.0.0.1', port: Number(url.port), servername: 'localhost' },
    ...{ ca: pki('ca.crt'), cert: pki('admin.crt'), key: pki('admin.key') },
  })
  await once(socket, 'secureConnect')
  return socket
}

/** Sends bytes as they are and reads until the peer is silent for the answers expected, or closes. */
async function exchange(socket: TLSSocket, bytes: string, answers = 1): Promise<string> {
  socket.write(bytes)
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString()
    const heads = [...text.matchAll(/HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n/g)]
    if (heads.length < answers) continue
    const last = heads[heads.length - 1]!
    const length = Number(/content-length: (\d+)/i.exec(last[0])?.[1] ?? 0)
    if (text.length >= last.index + last[0].length + length) break
  }
  return text
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
const bodyOf = (text: string) => JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n') + 4)) as Record<string, unknown>

test('several requests on one connection, one after the other and piped', async () => {
  const socket = await dial()
  const get = 'GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\n\r\n'
  assert.equal(statusOf(await exchange(socket, get)), 200)
  assert.equal((await exchange(socket, get + get + get, 3)).match(/HTTP\/1\.1 200/g)?.length, 3)
  socket.destroy()
})

const tricks = [
  '/../etc/passwd',
  '/api/v1/../../x',
  '/api/v1/namespaces/default/configmaps/..%2f..',
  '/%',
  '/%00',
  '//api/v1/nodes',
  '/api/v1/nodes/%c0%ae',
]
for (const path of tricks) {
  test(`the path ${path} is refused as it stands`, async () => {
    const socket = await dial()
    const text = await exchange(socket, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    assert.ok([400, 404].includes(statusOf(text)), text)
    assert.equal(bodyOf(text)['kind'], 'Status')
    socket.destroy()
  })
}

test('a method that HTTP does not know ends the connection, an uncommon one is a Status', async () => {
  const socket = await dial()
  assert.equal(statusOf(await exchange(socket, 'FROB /api HTTP/1.1\r\nHost: x\r\n\r\n')), 400)
  const other = await dial()
  const text = await exchange(other, 'PROPFIND /api/v1/nodes HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.equal(statusOf(text), 405)
  assert.equal(bodyOf(text)['reason'], 'MethodNotAllowed')
  other.destroy()
})

test('a body announced as too large is refused before it is sent', async () => {
  const socket = await dial()
  const head =
    'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n'
  const text = await exchange(socket, head)
  assert.equal(statusOf(text), 413)
  assert.match(text, /connection: close/i)
  socket.destroy()
})

test('a chunked body that grows too large is refused', async () => {
  const socket = await dial()
  const head =
    'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
  const piece = `100000\r\n${'x'.repeat(0x100000)}\r\n`
  socket.on('error', () => {})
  assert.equal(statusOf(await exchange(socket, head + piece.repeat(4))), 413)
  socket.destroy()
})

test('a client that goes away in the middle of its body leaves nothing behind', async () => {
  const socket = await dial()
  socket.write(
    'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"kind"',
  )
  socket.destroy()
  await once(socket, 'close')
  assert.equal((await api.request('GET', '/readyz')).text, 'ok')
})

test('an error before the body was read does not spoil the connection', async () => {
  const socket = await dial()
  const body = JSON.stringify(configMap('a'))
  const post = `POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  assert.equal(statusOf(await exchange(socket, post)), 404)
  assert.equal(statusOf(await exchange(socket, 'GET /version HTTP/1.1\r\nHost: x\r\n\r\n')), 200)
  socket.destroy()
})

test('100-continue is answered', async () => {
  const socket = await dial()
  socket.write(
    'POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n',
  )
  const [first] = (await once(socket, 'data')) as [Buffer]
  assert.match(first.toString(), /^HTTP\/1\.1 100/)
  assert.equal(statusOf(await exchange(socket, '{}')), 422)
  socket.destroy()
})

test('HEAD has the head of GET', async () => {
  const socket = await dial()
  const get = await exchange(socket, 'GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n')
  socket.write('HEAD /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n')
  const [head] = (await once(socket, 'data')) as [Buffer]
  assert.equal(/content-length: (\d+)/i.exec(head.toString())?.[1], /content-length: (\d+)/i.exec(get)?.[1])
  assert.ok(head.toString().endsWith('\r\n\r\n'))
  socket.destroy()
})

test('a long selector fits into the head of a request', async () => {
  const socket = await dial()
  const values = Array.from({ length: 4000 }, (_, n) => `v${n}`).join(',')
  const text = await exchange(
    socket,
    `GET /api/v1/namespaces/default/configmaps?labelSelector=a+in+(${values}) HTTP/1.1\r\nHost: x\r\n\r\n`,
  )
  assert.equal(statusOf(text), 200)
  socket.destroy()
})

const overLoopback = (host: string) =>
  new Promise<string>((resolve, reject) => {
    const url = `${api.server.insecureUrl}/api/v1/namespaces/default/configmaps`
    const request = httpRequest(url, { headers: { host } }, (response) => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => resolve(text))
    })
    request.on('error', reject)
    request.end()
  })

test('the loopback port asks nobody who they are', async () => {
  for (const host of ['localhost:18080', '127.0.0.1:18080', '[::1]', 'localhost']) {
    assert.equal((JSON.parse(await overLoopback(host)) as { kind: string }).kind, 'ConfigMapList', host)
  }
})

test('the loopback port is not reached through other names (a web page that rebinds its own)', async () => {
  for (const host of ['evil.example:18080', '127.0.0.1.evil.example', 'localhost.evil.example', '10.0.0.1']) {
    assert.equal((JSON.parse(await overLoopback(host)) as { reason: string }).reason, 'Forbidden', host)
  }
})

test('the port for health tells nothing but health', async () => {
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:18081${path}`)
    return [response.status, await response.text()]
  }
  for (const path of ['/healthz', '/livez', '/readyz']) assert.deepEqual(await ask(path), [200, 'ok'])
  for (const path of ['/metrics', '/api/v1/namespaces', '/']) assert.equal((await ask(path))[0], 404, path)
})

/** The answer's code to what is sent over the loopback port as it is. */
async function rawOverLoopback(text: string): Promise<number> {
  const { hostname, port } = new URL(api.server.insecureUrl)
  const socket = connectPlain({ host: hostname, port: Number(port) })
  socket.write(text)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return statusOf(answer.toString())
}

test('the loopback port does nothing that a web page asks: no socket, no form, no POST of nothing', async () => {
  const host = 'Host: 127.0.0.1:18080'
  const maps = '/api/v1/namespaces/default/configmaps'
  const body = JSON.stringify(configMap('from-a-page'))
  const post = (headers: string) => `POST ${maps} HTTP/1.1\r\n${host}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
  const upgrade = (headers: string) =>
    `GET /api/v1/namespaces/default/pods/x/exec?command=id&stdout=true HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\n\r\n`
  assert.equal(await rawOverLoopback(post('')), 403)
  assert.equal(await rawOverLoopback(post('Content-Type: text/plain\r\n')), 403)
  assert.equal(await rawOverLoopback(post('Content-Type: application/json\r\nOrigin: http://evil.example\r\n')), 403)
  assert.equal(await rawOverLoopback(upgrade(`${host}\r\nOrigin: http://evil.example`)), 403)
  assert.equal(await rawOverLoopback(upgrade('Host: evil.example')), 403)
  assert.equal((await api.request('GET', `${maps}/from-a-page`)).status, 404)
  assert.equal(await rawOverLoopback(upgrade(host)), 404, 'the pod is looked for')
  assert.equal(await rawOverLoopback(post('Content-Type: application/json\r\n')), 201)
})

test('the port without TLS is refused on anything but loopback', async () => {
  await assert.rejects(startApi({ args: ['--insecure-port', '18081', '--insecure-bind-address', '0.0.0.0'] }), ConfigError)
})

test('a watcher that does not read is ended, and others do not notice', async () => {
  const slow = await dial()
  slow.write('GET /api/v1/namespaces/default/configmaps?watch=true HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(slow, 'data')
  slow.pause()
  slow.on('error', () => {})
  let isClosed = false
  slow.on('close', () => (isClosed = true))
  await api.request('POST', '/api/v1/namespaces/default/configmaps', configMap('busy'))
  const merge = { 'content-type': 'application/merge-patch+json' }
  const pad = 'x'.repeat(900_000)
  let watchers = '1'
  for (let n = 0; n < 150 && watchers !== '0'; n++) {
    assert.equal((await api.request('PATCH', '/api/v1/namespaces/default/configmaps/busy', { data: { pad: pad + n } }, merge)).status, 200)
    watchers = /apiserver_watchers (\d+)/.exec((await api.request('GET', '/metrics')).text)![1]!
  }
  assert.equal(watchers, '0')
  slow.resume()
  if (!isClosed) await once(slow, 'close')
})
