import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { code, codeName, flag, HEAD_BYTES } from '../message/codes.ts'
import { framed } from '../message/framing.ts'
import { CHECKING_DISABLED, withOpt } from '../message/opt.ts'
import type { ServerAddress } from './server-address.ts'

/** What is asked of another server. */
export interface Asked {
  /** Name, type and class as in a message. */
  question: Buffer
  /** RD and CD as the client set them. */
  flags: number
  dnssecOk: boolean
}

export interface ExchangeTools {
  clock: Clock
  random: Random
}

/** A server that answers with a code alone. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal'
}

/**
 * Asks one server, again by TCP when its datagram does not hold the answer, and without EDNS when it does not know that. The answer belongs to the
 * question: same id, same name, type and class, from where the question went; a datagram that does not is passed over, for it may be forged.
 * Each question has a port and an id of its own, which is what a forger has to guess.
 * @param patience milliseconds for each of those tries
 * @throws Error when no answer came
 */
export async function exchange(server: ServerAddress, asked: Asked, patience: number, tools: ExchangeTools): Promise<Buffer> {
  const byEdns = message(asked, tools.random, true)
  const answer = await overUdp(server, byEdns, asked.question, patience, tools.clock)
  const rcode = answer[3]! & 0x0f
  if (rcode !== code.formatError && rcode !== code.notImplemented) return whole(server, byEdns, asked, answer, patience, tools)
  const plain = message(asked, tools.random, false)
  return whole(server, plain, asked, await overUdp(server, plain, asked.question, patience, tools.clock), patience, tools)
}

/** The answer itself, or what TCP has of it. */
async function whole(
  server: ServerAddress,
  query: Buffer,
  asked: Asked,
  answer: Buffer,
  patience: number,
  tools: ExchangeTools,
): Promise<Buffer> {
  if (answer.length < HEAD_BYTES + asked.question.length)
    throw new ServerRefusal(`answered ${codeName(answer[3]! & 0x0f)} and nothing else`)
  if ((answer.readUInt16BE(2) & flag.truncated) === 0) return answer
  return overTcp(server, query, asked.question, patience, tools.clock)
}

function message({ question, flags, dnssecOk }: Asked, random: Random, byEdns: boolean): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt16BE(Math.floor(random.fraction() * 0x1_0000), 0)
  head.writeUInt16BE(flags & (flag.recursionDesired | CHECKING_DISABLED), 2)
  head.writeUInt16BE(1, 4)
  const plain = Buffer.concat([head, question])
  return byEdns ? withOpt(plain, 0, dnssecOk) : plain
}

/** Whether `answer` is one to `query`. */
function belongs(answer: Buffer, query: Buffer, question: Buffer): boolean {
  if (answer.length < HEAD_BYTES || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  const flags = answer.readUInt16BE(2)
  if ((flags & flag.response) === 0 || (flags & 0x7800) !== 0) return false
  // Servers that cannot read a question do not repeat it.
  if (answer.readUInt16BE(4) === 0) return (flags & 0x0f) !== code.ok && (flags & 0x0f) !== code.missing
  if (answer.readUInt16BE(4) !== 1 || answer.length < HEAD_BYTES + question.length) return false
  return sameQuestion(answer.subarray(HEAD_BYTES, HEAD_BYTES + question.length), question)
}

/** The same octets but for the case of letters. Lengths of labels are below letters, and type and class have to be the same. */
function sameQuestion(one: Buffer, other: Buffer): boolean {
  const nameEnd = other.length - 4
  for (let at = 0; at < other.length; at += 1) {
    const difference = one[at]! ^ other[at]!
    if (difference === 0) continue
    const lower = one[at]! | 0x20
    if (difference !== 0x20 || at >= nameEnd || lower < 0x61 || lower > 0x7a) return false
  }
  return true
}

function overUdp(server: ServerAddress, query: Buffer, question: Buffer, patience: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.host.includes(':') ? 'udp6' : 'udp4')
    const timer = clock.after(patience, () => end(() => reject(new Error('no answer in time'))))
    let isOver = false
    const end = (settle: () => void) => {
      if (isOver) return
      isOver = true
      timer.cancel()
      socket.close()
      settle()
    }
    socket.on('error', (error) => end(() => reject(error)))
    socket.on('message', (answer) => {
      if (belongs(answer, query, question)) end(() => resolve(answer))
    })
    // Connected: the kernel lets nobody else's datagrams through, and tells at once that nobody listens there.
    socket.connect(server.port, server.host, () => {
      if (!isOver) socket.send(query)
    })
  })
}

function overTcp(server: ServerAddress, query: Buffer, question: Buffer, patience: number, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: server.host, port: server.port })
    const timer = clock.after(patience, () => socket.destroy(new Error('no answer in time')))
    const chunks: Buffer[] = []
    let received = 0
    socket.on('connect', () => socket.write(framed(query)))
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      received += chunk.length
      if (received < 2) return
      const all = chunks.length === 1 ? chunk : Buffer.concat(chunks)
      chunks.splice(0, chunks.length, all)
      const end = 2 + all.readUInt16BE(0)
      if (received < end) return
      const answer = all.subarray(2, end)
      if (belongs(answer, query, question) && answer.length > HEAD_BYTES) resolve(Buffer.from(answer))
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => {
      timer.cancel()
      reject(new Error('the connection ended without an answer'))
    })
  })
}
