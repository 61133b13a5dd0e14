import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { realClock } from '../time/clock.ts'
import { fixedConnection } from './connection.ts'
import { ConnectionError } from './connection-error.ts'
import { createFailoverTransport } from './failover-transport.ts'
import { ServerList } from './server-list.ts'

const clock = realClock()
const get = (path: string, stream = false) => ({ method: 'GET', path, headers: {}, stream })
const post = { method: 'POST', path: '/', headers: {}, body: '{}' }

/** A server that tells its name, unless it is stopped: then it hears everything and says nothing. */
async function startServer(t: TestContext, name: string) {
  const state = { heard: 0, isStopped: false, answer: undefined as RequestListener | undefined }
  const sockets = new Set<Socket>()
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.url !== '/readyz') state.heard++
    if (state.isStopped) return
    if (state.answer) state.answer(request, response)
    else response.end(name)
  })
  server.on('connection', (socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const kill = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  t.after(kill)
  return { ...{ name, state, kill }, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function three(t: TestContext, { isReady = async () => true }: { isReady?: (url: string) => Promise<boolean> } = {}) {
  const all = [await startServer(t, 'a'), await startServer(t, 'b'), await startServer(t, 'c')] as const
  const urls = all.map(({ url }) => url)
  const pace = { lookMilliseconds: 20, patienceMilliseconds: 100 }
  const servers = new ServerList(() => urls, { clock, first: 0, isReady, ...pace })
  const transport = createFailoverTransport(fixedConnection({ server: all[0].url }), servers, clock)
  t.after(() => transport.close())
  return { all, transport, ask: async (path = '/') => (await transport.send(get(path))).text() }
}

test('everything goes to one server; when it dies, to the next, and the dead are passed over', async (t) => {
  const { all, ask, transport } = await three(t)
  assert.deepEqual([await ask(), await ask(), await (await transport.send(post)).text()], ['a', 'a', 'a'])
  all[0].kill()
  all[1].kill()
  assert.deepEqual([await ask(), await (await transport.send(post)).text()], ['c', 'c'])
})

test('a write that cannot have been heard is sent to the next server, also past two that are dead', async (t) => {
  const { all, ask, transport } = await three(t)
  all[0].kill()
  all[1].kill()
  assert.equal(await (await transport.send(post)).text(), 'c')
  assert.equal(await ask(), 'c')
  all[2].kill()
  await assert.rejects(ask(), ConnectionError)
})

test('a write that may have been heard is its author’s business, a question is asked again', async (t) => {
  const { all, ask, transport } = await three(t)
  all[0].state.answer = (request) => request.socket.destroy()
  await assert.rejects(transport.send(post), (error) => error instanceof ConnectionError && error.sent)
  assert.equal(all[1].state.heard, 0)
  assert.equal(await ask(), 'b', 'it moved on all the same')
  all[1].state.answer = (request) => request.socket.destroy()
  assert.equal(await ask(), 'c')
})

test('a stopped server is left while another is ready: what waits for it ends, watches too', async (t) => {
  const readiness = new Map<string, boolean>()
  const { all, ask, transport } = await three(t, { isReady: async (url) => readiness.get(url) ?? true })
  all[0].state.answer = (_request, response) => response.write('{}\n')
  const watch = await transport.send(get('/watch', true))
  const watched = Array.fromAsync(watch.chunks())
  watched.catch(() => undefined)
  all[0].state.isStopped = true
  const waiting = ask()
  readiness.set(all[0].url, false).set(all[1].url, false)
  assert.equal(await waiting, 'c', 'the one that is ready')
  await assert.rejects(watched, ConnectionError)
})

test('where nobody is ready nothing is left: a slow server is better than none', async (t) => {
  const looks = { count: 0, ended: Promise.withResolvers<void>() }
  const { all, ask } = await three(t, {
    isReady: async () => {
      if (++looks.count === 9) looks.ended.resolve()
      return false
    },
  })
  const asked = Promise.withResolvers<ServerResponse>()
  all[0].state.answer = (_request, response) => asked.resolve(response)
  const waiting = ask()
  const response = await asked.promise
  await looks.ended.promise
  response.end('late')
  assert.equal(await waiting, 'late')
})
