import assert from 'node:assert/strict'
import { type Duplex, duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { silentLogger } from '../../shared/logging/logger.ts'
import { StreamScope } from '../../shared/streams/stream-scope.ts'
import { manualClock } from '../../simulation/time/manual-clock.ts'
import { servePortForward } from '../server/port-forward.ts'
import { spdySession } from '../server/spdy-session.ts'
import { SpdyConnection, type SpdyStream } from './spdy-connection.ts'
import { spdyDictionary } from './spdy-dictionary.ts'
import { dataHead, type Frame, FrameReader, pingFrame, resetFrame, synStreamFrame } from './spdy-frames.ts'
import { HeaderReader, HeaderWriter } from './spdy-headers.ts'

/** The client's side, by hand. */
class Client {
  readonly #transport: Duplex
  readonly #headers = new HeaderWriter()
  readonly frames: Frame[] = []
  #arrived = Promise.withResolvers<void>()

  constructor(transport: Duplex) {
    this.#transport = transport
    const reader = new FrameReader()
    transport.on('data', (chunk: Buffer) => {
      for (const frame of reader.push(chunk)) this.frames.push(frame)
      this.#arrived.resolve()
      this.#arrived = Promise.withResolvers()
    })
  }

  send(...bytes: Buffer[]): void {
    this.#transport.write(Buffer.concat(bytes))
  }

  async open(id: number, headers: Record<string, string>, fin = false): Promise<void> {
    const block = await this.#headers.write(new Map(Object.entries(headers).map(([name, value]) => [name, [value]])))
    this.send(synStreamFrame(id, fin, block))
  }

  data(id: number, content: string, fin = false): void {
    const bytes = Buffer.from(content)
    this.send(dataHead(id, bytes.length, fin), bytes)
  }

  /** Waits until a frame that was asked for has come. */
  async until(wanted: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(wanted)
      if (found) return found
      await this.#arrived.promise
    }
  }

  received(id: number): string {
    return this.frames.map((frame) => (frame.type === 'data' && frame.streamId === id ? frame.data.toString() : '')).join('')
  }

  end(): void {
    this.#transport.end()
  }
}

function connect() {
  const [server, other] = duplexPair()
  const connection = new SpdyConnection(server)
  const accepted = new Map<number, PromiseWithResolvers<SpdyStream>>()
  const place = (id: number) => {
    const known = accepted.get(id) ?? Promise.withResolvers<SpdyStream>()
    accepted.set(id, known)
    return known
  }
  const served = connection.serve((stream) => place(stream.id).resolve(stream))
  return { client: new Client(other), connection, stream: (id: number) => place(id).promise, served }
}

const closed = (stream: SpdyStream) => new Promise<void>((resolve) => stream.once('close', () => resolve()))
const isReply = (id: number) => (frame: Frame) => frame.type === 'synReply' && frame.streamId === id
const isEnd = (id: number) => (frame: Frame) => frame.type === 'data' && frame.streamId === id && frame.fin

test('the dictionary is the one of the protocol', () => {
  let [a, b] = [1, 0]
  for (const byte of spdyDictionary) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  assert.equal(((b << 16) | a) >>> 0, 0xe3c6a7c2)
})

test('header blocks share their compression over the whole connection', async () => {
  const [writer, reader] = [new HeaderWriter(), new HeaderReader()]
  const sizes: number[] = []
  for (let round = 0; round < 3; round++) {
    const block = await writer.write(
      new Map([
        ['streamtype', ['data']],
        ['port', ['8080']],
      ]),
    )
    sizes.push(block.length)
    assert.deepEqual(
      [...(await reader.read(block))],
      [
        ['streamtype', ['data']],
        ['port', ['8080']],
      ],
    )
  }
  assert.ok((sizes[2] ?? 0) < (sizes[0] ?? 0))
  await assert.rejects(new HeaderReader().read(Buffer.from('no zlib at all')))
  const bomb = await new HeaderWriter().write(new Map([['x', ['a'.repeat(600_000)]]]))
  await assert.rejects(new HeaderReader().read(bomb), /too large/)
})

test('streams carry bytes both ways, each half with its own end', async () => {
  const { client, stream: accepted } = connect()
  await client.open(1, { streamtype: 'data' })
  await client.until(isReply(1))
  client.data(1, 'hello ')
  client.data(1, 'server', true)
  const stream = await accepted(1)
  assert.equal(stream.header('streamtype'), 'data')
  assert.equal(await text(stream), 'hello server')
  stream.end('x'.repeat(200_000))
  await client.until(isEnd(1))
  assert.equal(client.received(1).length, 200_000)
  const lengths = client.frames.map((frame) => (frame.type === 'data' ? frame.data.length : 0))
  assert.ok(Math.max(...lengths) <= 65_536)
})

test('a ping comes back; other frames are passed over', async () => {
  const { client } = connect()
  const settings = Buffer.from([0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0])
  client.send(settings, pingFrame(7))
  assert.deepEqual(await client.until((frame) => frame.type === 'ping'), { type: 'ping', id: 7 })
})

test('a reset breaks one stream, not the others; ids that repeat or are even are refused', async () => {
  const { client, stream, connection } = connect()
  await client.open(1, {})
  await client.open(3, {})
  const [first, second] = [await stream(1), await stream(3)]
  const broken = closed(first)
  client.send(resetFrame(1, 5))
  await broken
  assert.equal(connection.size, 1)
  await client.open(3, {})
  await client.open(4, {})
  await client.until((frame) => frame.type === 'reset' && frame.streamId === 4)
  assert.ok(client.frames.some((frame) => frame.type === 'reset' && frame.streamId === 3))
  client.data(3, 'still here', true)
  assert.equal(await text(second), 'still here')
})

test('a stream that nobody reads holds the connection back instead of filling the memory', async () => {
  const { client, stream } = connect()
  await client.open(1, {})
  const unread = await stream(1)
  for (let sent = 0; sent < 64; sent++) client.data(1, 'y'.repeat(64 * 1024), sent === 63)
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(unread.readableLength <= 256 * 1024)
  assert.equal((await text(unread)).length, 4 * 1024 * 1024)
})

function scopeOf(transport: Duplex): StreamScope {
  const scope = new StreamScope('test', silentLogger())
  scope.follow(transport)
  return scope
}

for (const [what, bytes] of [
  ['another version', Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])],
  ['a frame that is too large', Buffer.from([0x80, 3, 0, 1, 0, 0xff, 0xff, 0xff])],
  ['a frame that ends early', Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 2, 0, 0])],
  ['headers that are no zlib', Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
] as const) {
  test(`bad input ends the connection: ${what}`, async () => {
    const { client, served } = connect()
    client.send(bytes)
    await assert.rejects(served)
  })
}

test('a connection that ends takes its streams along', async () => {
  const { client, stream, served } = connect()
  await client.open(1, {})
  const broken = closed(await stream(1))
  client.end()
  await Promise.all([served, broken])
})

test('a session: every announced stream, input to its end, the outcome on the error stream', async () => {
  const [server, other] = duplexPair()
  const client = new Client(other)
  const wish = { stdin: true, stdout: true, stderr: true, tty: false }
  const opening = spdySession({ transport: server, protocol: 'v4.channel.k8s.io' }, wish, scopeOf(server), manualClock())
  for (const [index, streamtype] of ['error', 'stdin', 'stdout', 'stderr'].entries()) await client.open(index * 2 + 1, { streamtype })
  const session = await opening
  client.data(3, 'typed', true)
  assert.equal(await text(session.stdin!), 'typed')
  session.stdout?.write('shown')
  await session.finish({ exitCode: 3 })
  for (const id of [1, 5, 7]) await client.until(isEnd(id))
  assert.equal(client.received(5), 'shown')
  assert.deepEqual(JSON.parse(client.received(1)).details.causes, [{ reason: 'ExitCode', message: '3' }])
})

test('a client that does not open its streams is not waited for without end', async () => {
  const [server] = duplexPair()
  const clock = manualClock()
  const wish = { stdin: false, stdout: true, stderr: false, tty: false }
  const opening = spdySession({ transport: server, protocol: 'v4.channel.k8s.io' }, wish, scopeOf(server), clock)
  const refused = assert.rejects(opening, /timed out waiting for client to create streams/)
  await clock.advance(30_000)
  await refused
})

test('port-forward: pairs of streams by request id; a port that refuses is told on the error stream', async () => {
  const [server, other] = duplexPair()
  const client = new Client(other)
  const [pod, application] = duplexPair()
  application.on('data', (chunk: Buffer) => application.write(chunk.toString().toUpperCase()))
  application.on('end', () => application.end())
  const dial = (port: number) => (port === 80 ? Promise.resolve(pod) : Promise.reject(new Error('connection refused')))
  const served = servePortForward(server, { dial, pod: 'web', scope: scopeOf(server), log: silentLogger() }, manualClock())
  await client.open(1, { streamtype: 'error', port: '80', requestid: '0' }, true)
  await client.open(3, { streamtype: 'error', port: '81', requestid: '1' }, true)
  await client.open(5, { streamtype: 'data', port: '81', requestid: '1' })
  await client.open(7, { streamtype: 'data', port: '80', requestid: '0' })
  client.data(7, 'hello', true)
  await client.until(isEnd(7))
  assert.equal(client.received(7), 'HELLO')
  await client.until(isEnd(3))
  assert.match(client.received(3), /forwarding port 81 to pod web: connection refused/)
  await client.open(9, { streamtype: 'data', port: 'none', requestid: '2' })
  await client.until((frame) => frame.type === 'reset' && frame.streamId === 9)
  client.end()
  await served
})
