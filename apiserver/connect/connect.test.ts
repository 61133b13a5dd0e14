import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect, createServer as createTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { StreamScope } from '../../shared/streams/stream-scope.ts'
import { roomyBounds } from '../../test/harness/server-bounds.ts'
import { requestInfo } from '../http/request-info.ts'
import { UpgradeReply } from '../http/upgrade.ts'
import type { Call } from '../verbs/call.ts'
import { containerOf, kubeletPath, requireCreate } from './connect-call.ts'
import { proxyName } from './proxies.ts'
import { handshakeHeaders, tunnel } from './tunnel.ts'

const pod = (containers: string[], inits: string[] = []) =>
  ({
    metadata: { name: 'web' },
    spec: { containers: containers.map((name) => ({ name })), initContainers: inits.map((name) => ({ name })) },
  }) as unknown as Pod

test('the container is the one named, the only one, or a question back', () => {
  assert.equal(containerOf(pod(['a']), ''), 'a')
  assert.equal(containerOf(pod(['a', 'b'], ['i']), 'i'), 'i')
  assert.throws(() => containerOf(pod(['a', 'b']), ''), {
    message: 'a container name must be specified for pod web, choose one of: [a b]',
    code: 400,
  })
  assert.throws(() => containerOf(pod(['a', 'b'], ['i']), ''), { message: /choose one of: \[a b\] or one of the init containers: \[i\]$/ })
  assert.throws(() => containerOf(pod(['a']), 'x'), { message: 'container x is not valid for pod web', code: 400 })
})

test('names in front of /proxy', () => {
  assert.deepEqual(proxyName('web'), { scheme: 'http', name: 'web', port: '' })
  assert.deepEqual(proxyName('web:http'), { scheme: 'http', name: 'web', port: 'http' })
  assert.deepEqual(proxyName('https:web:443'), { scheme: 'https', name: 'web', port: '443' })
  for (const bad of ['ftp:web:21', 'a:b:c:d']) assert.throws(() => proxyName(bad), { code: 400 })
})

test('names are encoded on their way to a node', () => {
  assert.equal(kubeletPath('exec', 'ns', 'a/../b', 'c?d'), '/exec/ns/a%2F..%2Fb/c%3Fd')
})

test('a session by GET needs the right to create', () => {
  const asked: string[] = []
  const call = (method: string) =>
    ({ info: requestInfo(method, '/api/v1/namespaces/ns/pods/web/exec'), user: { name: 'u', groups: [] } }) as unknown as Call
  requireCreate(call('POST'), () => asked.push('no'))
  requireCreate(call('GET'), ({ verb, resource, subresource }) => asked.push(`${verb} ${resource}/${subresource}`))
  assert.deepEqual(asked, ['create pods/exec'])
})

async function port(context: TestContext, server: ReturnType<typeof createTcp>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('a tunnel repeats the handshake without credentials and then carries any bytes', async (context) => {
  const heard = Promise.withResolvers<string>()
  const backend = createTcp((socket) => {
    socket.once('data', (chunk) => {
      heard.resolve(chunk.toString())
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.pipe(socket)
    })
  })
  const target = await port(context, backend)
  const server = createServer()
  server.on('upgrade', (raw, socket, head) => {
    const far = connect(target, '127.0.0.1')
    context.after(() => {
      for (const one of [far, socket]) one.destroy()
    })
    const headers = { ...handshakeHeaders(raw.headers), host: 'node:10250' }
    const scope = new StreamScope('test', silentLogger())
    void tunnel(new UpgradeReply(raw, socket, head, roomyBounds().unsent), { socket: far, method: 'GET', path: '/exec/x', headers }, scope)
  })
  const near = await port(context, server)
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    authorization: 'Bearer secret',
    'sec-websocket-protocol': 'v5.channel.k8s.io',
  }
  const outgoing = httpRequest({ port: near, host: '127.0.0.1', path: '/api', headers })
  outgoing.end()
  const [, socket] = await once(outgoing, 'upgrade')
  socket.write('ping')
  const [echo] = await once(socket, 'data')
  assert.equal(String(echo), 'ping')
  const handshake = await heard.promise
  assert.match(handshake, /^GET \/exec\/x HTTP\/1.1\r\n.*^host: node:10250\r\n/ms)
  assert.match(handshake, /sec-websocket-protocol: v5.channel.k8s.io\r\n/i)
  assert.doesNotMatch(handshake, /secret|bearer/i)
  socket.destroy()
})

test('a refusal on a connection that asked for another protocol is an ordinary answer', async (context) => {
  const server = createServer()
  server.on('upgrade', (raw, socket, head) =>
    new UpgradeReply(raw, socket, head, roomyBounds().unsent).send(403, 'application/json', '{"kind":"Status"}', { 'x-a': ['1', '2'] }),
  )
  const near = await port(context, server)
  const outgoing = httpRequest({ port: near, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'websocket' } })
  outgoing.end()
  const [answer] = await once(outgoing, 'response')
  assert.equal(answer.statusCode, 403)
  assert.equal(answer.headers['x-a'], '1, 2')
  assert.equal(await text(answer), '{"kind":"Status"}')
})
