import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet'
import type { Logger } from '../shared/logging/logger.ts'
import { type DnsRecord, TIME_TO_LIVE } from './records.ts'
import type { Upstream } from './upstream.ts'
import type { Zone } from './zone.ts'

/** Response codes of RFC 1035 and RFC 2136 that we give. */
const CODES = { ok: 0, formatError: 1, serverFailure: 2, missing: 3, notImplemented: 4, refused: 5 } as const

/** What a client without EDNS can take in one datagram (RFC 1035). */
const PLAIN_UDP_BYTES = 512
/** The most we send in one datagram, whatever the client says: larger ones get lost (DNS flag day 2020). */
const LARGEST_UDP_BYTES = 1_232

/** Questions and records of one query: one question, and what EDNS and signatures add. */
const MOST_RECORDS = 8

export interface ResolverParts {
  zone: Zone
  upstream: Upstream
  /** False until the cluster's names are known: then a missing name may only be unknown yet. */
  ready: () => boolean
  domain: string
  log: Logger
}

/** One message in, one message out; undefined for what deserves no answer. */
export class Resolver {
  readonly #parts: ResolverParts

  constructor(parts: ResolverParts) {
    this.#parts = parts
  }

  async answer(message: Buffer, overTcp: boolean): Promise<Buffer | undefined> {
    // Too short to hold an id, or an answer itself: answering would only feed a loop.
    if (message.length < 12 || (message[2] ?? 0) & 0x80) return undefined
    // Each name may be 127 words that other names share, so that reading many takes long: no query has more than a few.
    if (recordsOf(message) > MOST_RECORDS) return malformed(message)
    let query: Packet
    try {
      query = decode(message)
    } catch (error) {
      this.#parts.log.debug('a malformed query', { error })
      return malformed(message)
    }
    const question = query.questions?.[0]
    if (((message[2] ?? 0) >> 3) & 0x0f || query.questions?.length !== 1 || !question) return encode(header(query, CODES.notImplemented))
    const name = question.name.toLowerCase().replace(/\.$/, '')
    const answer = this.#parts.zone.answer(name, question.type)
    if (answer.kind === 'outside') return this.#forward(query, message, overTcp)
    if (!this.#parts.ready()) return encode(header(query, CODES.serverFailure))
    if (answer.kind === 'elsewhere') return this.#follow(query, answer.answers, answer.target, overTcp)
    const answers = answer.kind === 'found' ? answer.answers : []
    const additionals = answer.kind === 'found' ? answer.additional : []
    return fit(query, this.#packet(query, answer.kind === 'missing' ? CODES.missing : CODES.ok, answers, additionals), overTcp)
  }

  #packet(query: Packet, code: number, answers: readonly DnsRecord[], additionals: readonly DnsRecord[]): Packet {
    return {
      ...header(query, code),
      answers: answers.map(wire),
      additionals: additionals.map(wire),
      // Without it a resolver may not keep the news that there is nothing (RFC 2308).
      authorities: answers.length === 0 ? [this.#startOfAuthority()] : [],
    }
  }

  #startOfAuthority(): Answer {
    const { domain } = this.#parts
    const data = {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial: 1,
      refresh: 7_200,
      retry: 1_800,
      expire: 86_400,
      minimum: TIME_TO_LIVE,
    }
    return { type: 'SOA', name: domain, ttl: TIME_TO_LIVE, data }
  }

  async #forward(query: Packet, message: Buffer, overTcp: boolean): Promise<Buffer> {
    try {
      return await this.#parts.upstream.forward(message, overTcp)
    } catch (error) {
      this.#parts.log.warn('no upstream answer', { error })
      return encode(header(query, CODES.serverFailure))
    }
  }

  /** An ExternalName: our CNAME, and behind it what the rest of the world says of its target. */
  async #follow(query: Packet, aliases: readonly DnsRecord[], target: string, overTcp: boolean): Promise<Buffer> {
    const question = query.questions?.[0]
    const within = this.#parts.zone.answer(target, question?.type ?? 'A')
    let answers: Answer[] = within.kind === 'found' ? within.answers.map(wire) : []
    if (within.kind === 'outside' && question && question.type !== 'CNAME') {
      const asked = encode({ type: 'query', id: query.id ?? 0, flags: RECURSION_DESIRED, questions: [{ ...question, name: target }] })
      answers = decode(await this.#forward(query, asked, overTcp)).answers ?? []
    }
    return fit(query, { ...header(query, CODES.ok), answers: [...aliases.map(wire), ...answers] }, overTcp)
  }
}

function header(query: Packet, code: number): Packet {
  const flags = AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED) | code
  return { type: 'response', id: query.id ?? 0, flags, questions: query.questions ?? [] }
}

function wire(record: DnsRecord): Answer {
  return { ...record, ttl: TIME_TO_LIVE, class: 'IN' } as Answer
}

/** Cuts an answer that the client cannot take in a datagram: an empty one that says "ask by TCP". */
function fit(query: Packet, response: Packet, overTcp: boolean): Buffer {
  const whole = encode(response)
  const offered = query.additionals?.find((record) => record.type === 'OPT')
  const limit =
    offered && 'udpPayloadSize' in offered
      ? Math.min(Math.max(offered.udpPayloadSize, PLAIN_UDP_BYTES), LARGEST_UDP_BYTES)
      : PLAIN_UDP_BYTES
  if (overTcp || whole.length <= limit) return whole
  return encode({ ...response, flags: (response.flags ?? 0) | TRUNCATED_RESPONSE, answers: [], additionals: [], authorities: [] })
}

/** How many questions and records the head announces. */
function recordsOf(message: Buffer): number {
  return message.readUInt16BE(4) + message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10)
}

/** The message's own id, and that it could not be read. */
function malformed(message: Buffer): Buffer {
  const answer = Buffer.alloc(12)
  message.copy(answer, 0, 0, 4)
  answer[2] = (answer[2] ?? 0) | 0x80
  answer[3] = 0x80 | CODES.formatError
  return answer
}
