/** The door before several API servers: what comes is answered as long as one of them lives, and a bad visitor harms nobody. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Agent, createServer, request, type Server } from 'node:https'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { ConfigError } from '../../shared/process/config.ts'
import { systemRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { serverPapers } from '../../test/harness/hook-server.ts'
import { soon } from '../../test/harness/soon.ts'
import { ApiDoor } from './api-door.ts'

const tools = { clock: realClock(), random: { ...systemRandom(), fraction: () => 0 }, log: silentLogger() }
const times = { lookPeriod: 50, patience: 100 }
let papers: Awaited<ReturnType<typeof serverPapers>>
before(async () => {
  papers = await serverPapers({ ip: ['127.0.0.1'] })
})

interface ApiServer {
  readonly url: string
  stop(): void
}

/** Answers every request with its name; `/slow` never. */
async function apiServer(name: string): Promise<ApiServer> {
  const server: Server = createServer({ cert: papers.cert, key: papers.key }, (asked, response) => {
    if (asked.url !== '/slow') response.end(name)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as import('node:net').AddressInfo
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  after(stop)
  return { url: `https://127.0.0.1:${port}`, stop }
}

/** Takes connections and says nothing, as a process that was stopped where it stood. */
async function silentServer(): Promise<{ url: string; visits: () => number }> {
  const sockets: Socket[] = []
  const server = createTcpServer((socket) => sockets.push(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `https://127.0.0.1:${(server.address() as import('node:net').AddressInfo).port}`, visits: () => sockets.length }
}

async function openDoor(...servers: { url: string }[]): Promise<ApiDoor> {
  const door = new ApiDoor({ servers: servers.map(({ url }) => url), bindAddress: '127.0.0.1', port: 0, ...times }, tools)
  await door.start()
  after(() => door.stop())
  return door
}

async function ask(door: ApiDoor, path = '/', agent = new Agent({ ca: papers.authority })): Promise<string> {
  const asking = request({ host: '127.0.0.1', port: door.port, path, agent, signal: AbortSignal.timeout(5_000) }).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  return text(response)
}

test('whoever asks keeps to one server, and finds the next when that one is gone', async () => {
  const [one, other] = [await apiServer('one'), await apiServer('other')]
  const door = await openDoor(one, other)
  for (let round = 0; round < 3; round++) assert.equal(await ask(door), 'one')
  one.stop()
  for (let round = 0; round < 3; round++) assert.equal(await ask(door), 'other')
})

test('a request that no server has answered yet is carried from a silent server to one that speaks', async () => {
  const silent = await silentServer()
  const door = await openDoor(silent, await apiServer('other'))
  assert.equal(await ask(door), 'other')
  assert.ok(silent.visits() > 0)
})

test('a connection that a server has answered is broken when that server is left: its client comes again', async () => {
  const one = await apiServer('one')
  const door = await openDoor(one, await apiServer('other'))
  const waiting = ask(door, '/slow')
  await soon(async () => assert.equal(await ask(door), 'one'))
  one.stop()
  await assert.rejects(waiting)
  assert.equal(await ask(door), 'other')
})

test('who says nothing, nonsense, or too much before an answer harms nobody else', async () => {
  const [one, other] = [await apiServer('one'), await apiServer('other')]
  const door = await openDoor(one, other)
  const agent = new Agent({ ca: papers.authority, keepAlive: true })
  after(() => agent.destroy())
  assert.equal(await ask(door, '/', agent), 'one')
  const kept = Object.values(agent.freeSockets).flat()[0]
  for (const words of ['GET / HTTP/1.0\r\n\r\n', '\0'.repeat(1_000_000), '']) {
    const visitor = connect(door.port, '127.0.0.1')
    visitor.on('error', () => {}).resume()
    visitor.end(words)
    await new Promise((resolve) => visitor.on('close', resolve))
  }
  assert.equal(await ask(door, '/', agent), 'one')
  assert.equal(Object.values(agent.freeSockets).flat()[0], kept, 'on the same connection as before')
})

test('when no server is there the connection ends', async () => {
  const one = await apiServer('one')
  const door = await openDoor(one)
  one.stop()
  await assert.rejects(ask(door), /disconnected before secure TLS connection/)
})

test('a list of servers that cannot be used is refused by name', () => {
  const made = (servers: string[]) => () => new ApiDoor({ servers, bindAddress: '', port: 0, ...times }, tools)
  assert.throws(made([]), ConfigError)
  assert.throws(made(['apiserver-1']), /--servers: "apiserver-1" is no URL with a port/)
})
