import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { decode, encode } from 'dns-packet'
import { parseConfiguration } from '../../dns/configuration/configuration.ts'
import { createOutside } from '../../dns/create-outside.ts'
import { Resolver } from '../../dns/resolver.ts'
import { type Logger, silentLogger } from '../../shared/logging/logger.ts'
import { type Random, seededRandom } from '../../shared/random/random.ts'
import { realClock } from '../../shared/time/clock.ts'
import { mutate } from '../fuzz/mutate.ts'
import { address, listening } from './dns-upstream.ts'
import { serviceOf, sliceOf, zoneOver } from './dns-zone.ts'

/** Packets between two honest questions. */
const BATCH = 250
/** Connections at a time: one whose question goes outside, to a server that says nothing sensible, takes seconds. */
const MOST_CONNECTIONS = 200
const HONEST = 'web.default.svc.cluster.local'

export interface JunkResult {
  packets: number
  connections: number
  /** Answers that came back to junk. */
  answers: number
  /** Honest questions that were answered in between. */
  honest: number
  /** What the server said was wrong with itself. */
  errors: string[]
}

const asking = (name: string, type: 'A' | 'SRV' | 'PTR' | 'TXT', id = 7) =>
  encode({ type: 'query', id, flags: 256, questions: [{ type, name }] })
const edns = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: 4096,
  flags: 0,
  extendedRcode: 0,
  ednsVersion: 0,
  flag_do: true,
  options: [],
} as const

const seeds: Buffer[] = [
  asking(HONEST, 'A'),
  asking('_sql._tcp.db.default.svc.cluster.local', 'SRV'),
  asking('search.default.svc.cluster.local', 'A'),
  asking('1.0.96.10.in-addr.arpa', 'PTR'),
  asking('www.example.com', 'TXT'),
  encode({ type: 'query', id: 1, questions: [{ type: 'A', name: 'a.cluster.local' }], additionals: [{ ...edns, options: [] }] }),
  encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'a' }], answers: [address('a', '10.0.0.1')] }),
]
const words = ['c00c', 'c000', 'ffff', '00290fa0', '07636c7573746572056c6f63616c00'].map((hex) => Buffer.from(hex, 'hex'))

/**
 * Sends changed messages to a real DNS server by its real sockets, one connection for each hundred datagrams, while the server outside that it asks answers
 * with changed messages too; between them an honest question, which has to be answered.
 */
export async function sendJunk(context: Pick<TestContext, 'after'>, packets: number, seed: number): Promise<JunkResult> {
  const random = seededRandom(seed)
  const result: JunkResult = { packets: 0, connections: 0, answers: 0, honest: 0, errors: [] }
  const outside = await listening(async (message) => {
    const { id = 0, questions = [] } = decode(message)
    const answers = questions.map(({ name }) => address(name, '192.0.2.1', 1))
    return mutate(encode({ type: 'response', id, flags: 0x0180, questions, answers }), seeds, words, random)
  })
  context.after(() => outside.server.close())
  const { server, port } = await listening(resolverWith(outside.port, result.errors))
  context.after(() => server.close())
  const sockets = { junk: createSocket('udp4'), honest: createSocket('udp4') }
  context.after(() => Object.values(sockets).map((socket) => socket.close()))
  sockets.junk.on('message', () => (result.answers += 1))
  const pending = new Set<Promise<void>>()
  while (result.packets < packets) {
    for (let left = Math.min(BATCH, packets - result.packets); left > 0; left -= 1) {
      const junk = junkOf(random)
      sockets.junk.send(junk, port, '127.0.0.1')
      result.packets += 1
      if (result.packets % 100 === 0) {
        const connection: Promise<void> = byTcp(port, junk).finally(() => pending.delete(connection))
        pending.add(connection)
        if (pending.size >= MOST_CONNECTIONS) await Promise.race(pending)
        result.connections += 1
      }
    }
    await honestAnswer(sockets.honest, port)
    result.honest += 1
  }
  await Promise.all(pending)
  return result
}

function junkOf(random: Random): Buffer {
  const seed = seeds[Math.floor(random.fraction() * seeds.length)]!
  // What a datagram cannot hold would not be sent.
  return mutate(seed, seeds, words, random).subarray(0, 60_000)
}

function resolverWith(outsidePort: number, errors: string[]) {
  const quiet = silentLogger()
  const log: Logger = {
    ...quiet,
    error: (message, fields) => void errors.push(`${message} ${String(fields?.['error'])}`),
    child: () => log,
  }
  const tools = { clock: realClock(), random: seededRandom(1), log }
  const services = [
    serviceOf('web', { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, targetPort: 80, protocol: 'TCP' }] }),
    serviceOf('db', { clusterIP: 'None' }),
    serviceOf('search', { type: 'ExternalName', externalName: 'www.example.com' }),
  ]
  const endpoints = Array.from({ length: 40 }, (_, index) => ({ addresses: [`10.244.0.${index + 1}`], conditions: { ready: true } }))
  const outside = createOutside({ domain: 'cluster.local', own: [], resolvConf: '/nonexistent/resolv.conf' }, tools)
  const place = { domain: 'cluster.local', own: [] }
  outside.configure(parseConfiguration({ upstreamNameservers: JSON.stringify([`127.0.0.1:${outsidePort}`]) }, place))
  const zone = zoneOver(services, [sliceOf('db', endpoints, [{ name: 'sql', port: 5432, protocol: 'TCP' }])])
  const resolver = new Resolver({ zone, outside, ...tools })
  return (message: Buffer, overTcp: boolean) => resolver.answer(message, overTcp)
}

/** A frame of junk, and perhaps not all of it; resolves when the connection is over. */
function byTcp(port: number, junk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined) // the server may well end it first
    socket.on('close', () => resolve())
    socket.resume()
    const length = Buffer.from([junk.length >> 8, junk.length & 0xff])
    socket.end(Buffer.concat([length, junk]))
  })
}

/** Asks until an answer comes: datagrams get lost among so many. @throws Error after many tries, or for a wrong answer */
async function honestAnswer(socket: Socket, port: number): Promise<void> {
  const query = asking(HONEST, 'A', 4_242)
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await new Promise<Buffer | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), 200)
      socket.once('message', (message) => {
        clearTimeout(timer)
        resolve(message)
      })
      socket.send(query, port, '127.0.0.1')
    })
    socket.removeAllListeners('message')
    if (!answer) continue
    const [first] = decode(answer).answers ?? []
    if (first?.type === 'A' && first.data === '10.96.0.1') return
    throw new Error(`an honest question was answered ${answer.toString('hex')}`)
  }
  throw new Error('an honest question was never answered')
}
