import type { Logger } from '../shared/logging/logger.ts'
import type { Random } from '../shared/random/random.ts'
import type { Clock } from '../shared/time/clock.ts'
import { aliasChain, joined, questionOf } from './aliases.ts'
import { CLASS_IN, code, flag, type, typeName } from './message/codes.ts'
import { LONGEST_MESSAGE, MessageWriter } from './message/message-writer.ts'
import { CHECKING_DISABLED, LARGEST_UDP_BYTES, OPT_BYTES, withOpt } from './message/opt.ts'
import { type Query, readQuery } from './message/query.ts'
import { cutAt, recordPlaces } from './message/sections.ts'
import type { Observer } from './observer.ts'
import type { Outside } from './outside.ts'
import { type DnsRecord, TIME_TO_LIVE, type ZoneAnswer } from './records.ts'
import type { Zone } from './zone.ts'

/** What a client without EDNS can take in one datagram (RFC 1035). */
const PLAIN_UDP_BYTES = 512
export interface ResolverParts {
  zone: Zone
  outside: Outside
  clock: Clock
  random: Random
  log: Logger
  observer?: Observer
}

/** One message in, one message out; undefined for what deserves no answer. Names of the cluster are answered at once, without a promise. */
export class Resolver {
  readonly #parts: ResolverParts
  readonly #writer = new MessageWriter()

  constructor(parts: ResolverParts) {
    this.#parts = parts
  }

  /** Never throws, and its promises never reject. @param client address of who asks */
  answer(message: Buffer, overTcp: boolean, client?: string): Buffer | undefined | Promise<Buffer> {
    const { clock, observer } = this.#parts
    const query = readQuery(message)
    if (query === undefined) return undefined
    if ('refusal' in query) {
      observer?.unreadable()
      return refusal(message, query.refusal)
    }
    if (!observer) return this.#answer(query, overTcp)
    const began = clock.monotonic()
    const seen = (answer: Buffer) => {
      observer.answered({ query, overTcp, client, answer, seconds: (clock.monotonic() - began) / 1000 })
      return answer
    }
    const answer = this.#answer(query, overTcp)
    return answer instanceof Promise ? answer.then(seen) : seen(answer)
  }

  #answer(query: Query, overTcp: boolean): Buffer | Promise<Buffer> {
    if (query.edns && query.edns.version > 0) return this.#write(query, overTcp, code.badVersion)
    // Chaos and Hesiod, and transfers of whole zones: for nobody.
    if (query.class !== CLASS_IN || query.type === type.AXFR || query.type === type.IXFR) return this.#write(query, overTcp, code.refused)
    const answer = this.#known(query.name, typeName(query.type))
    if (answer.kind === 'outside') return this.#forward(query, overTcp)
    if (answer.kind === 'elsewhere') return this.#follow(query, answer, overTcp)
    return this.#own(query, overTcp, answer)
  }

  /** What is said here of a name: what people set themselves, then the cluster's. */
  #known(name: string, type: string): ZoneAnswer {
    const set = this.#parts.outside.hosts.answer(name, type)
    return set.kind === 'outside' ? this.#parts.zone.answer(name, type) : set
  }

  #own(query: Query, overTcp: boolean, answer: ZoneAnswer & { kind: 'found' | 'missing' }, aliases: readonly DnsRecord[] = []): Buffer {
    const { zone, random } = this.#parts
    const [answers, additional] = answer.kind === 'found' ? [rotated(answer.answers, random), answer.additional] : [[], []]
    const authority = answers.length === 0 ? [zone.startOfAuthority()] : []
    return this.#write(query, overTcp, answer.kind === 'missing' ? code.missing : code.ok, [
      [...aliases, ...answers],
      authority,
      additional,
    ])
  }

  #write(query: Query, overTcp: boolean, rcode: number, [answers, authority, additional]: Sections = [[], [], []]): Buffer {
    const writer = this.#writer
    writer.begin(query, limitOf(query, overTcp) - (query.edns ? OPT_BYTES : 0))
    const write = (records: readonly DnsRecord[]) => {
      const misfit = records.findIndex((record) => !writer.write(record, TIME_TO_LIVE))
      return misfit < 0 ? records.length : misfit
    }
    const answered = write(answers)
    const said = write(authority)
    const isTruncated = answered < answers.length || said < authority.length
    const more = isTruncated ? 0 : write(additional)
    const flags = flag.authoritative | flag.recursionAvailable | (isTruncated ? flag.truncated : 0)
    const edns = query.edns && { code: rcode, dnssecOk: query.edns.dnssecOk }
    return writer.finish(query.id, headFlags(query, flags, rcode), [answered, said, more], edns)
  }

  /** Of what is not the cluster's, that which was asked for lately is answered at once. */
  #forward(query: Query, overTcp: boolean): Buffer | Promise<Buffer> {
    const { outside } = this.#parts
    if (outside.isProbe(query.name)) return this.#write(query, overTcp, code.refused)
    if (outside.isSearched(query.name)) return this.#write(query, overTcp, code.missing)
    const answer = outside.ask(query, query.name, query.question)
    if (!(answer instanceof Promise)) return fit(query, answer, overTcp)
    return answer.then((whole) => fit(query, whole, overTcp)).catch((error: unknown) => this.#failed(query, overTcp, error))
  }

  #failed(query: Query, overTcp: boolean, error: unknown): Buffer {
    this.#parts.log.warn('no answer from outside', { error, name: query.name, type: typeName(query.type) })
    return this.#write(query, overTcp, code.serverFailure)
  }

  /** An ExternalName: our CNAME, and behind it what is said of its target, here or outside. */
  async #follow(query: Query, answer: ZoneAnswer & { kind: 'elsewhere' }, overTcp: boolean): Promise<Buffer> {
    const { outside, log } = this.#parts
    if (query.type === type.CNAME) return this.#write(query, overTcp, code.ok, [answer.answers, [], []])
    try {
      const { aliases, target, end } = aliasChain(answer, (name) => this.#known(name, typeName(query.type)))
      if (end.kind !== 'outside') return this.#own(query, overTcp, end, aliases)
      const last = await outside.ask(query, target, questionOf(target, query.type))
      return fit(query, joined(query, aliases, last), overTcp)
    } catch (error) {
      log.warn('the target of an ExternalName has no answer', { error, name: query.name, target: answer.target })
      return this.#write(query, overTcp, code.serverFailure, [answer.answers, [], []])
    }
  }
}

/** Records of the answer, of who says that there is none, and what else may be useful. */
type Sections = readonly [readonly DnsRecord[], readonly DnsRecord[], readonly DnsRecord[]]

/** Octets of the longest answer that the client can take. */
function limitOf(query: Query, overTcp: boolean): number {
  if (overTcp) return LONGEST_MESSAGE
  return query.edns ? Math.min(Math.max(query.edns.size, PLAIN_UDP_BYTES), LARGEST_UDP_BYTES) : PLAIN_UDP_BYTES
}

function headFlags(query: Query, flags: number, rcode: number): number {
  return flag.response | flags | (query.flags & (flag.recursionDesired | CHECKING_DISABLED)) | (rcode & 0x0f)
}

/** Who speaks EDNS is answered in EDNS (RFC 6891, 6.1.1). */
function withEdns(query: Query, rcode: number, answer: Buffer): Buffer {
  return query.edns ? withOpt(answer, rcode, query.edns.dnssecOk) : answer
}

/** Somebody else's answer as this client takes it: its id, its spelling of the name, no more octets than it can hold. @throws Error for a broken one */
export function fit(query: Query, answer: Buffer, overTcp: boolean): Buffer {
  const places = recordPlaces(answer)
  const start = 12 + query.question.length
  if (!places || answer.length < start) throw new Error('the answer is broken')
  const cut = cutAt(places, start, limitOf(query, overTcp) - (query.edns ? OPT_BYTES : 0))
  const message = Buffer.from(answer.subarray(0, cut.bytes))
  query.question.copy(message, 12)
  const flags = answer.readUInt16BE(2)
  const kept = flags & (flag.truncated | flag.recursionAvailable | flag.authoritative | 0x0020)
  const rcode = flags & 0x0f
  message.writeUInt16BE(query.id, 0)
  message.writeUInt16BE(headFlags(query, kept | (cut.isTruncated ? flag.truncated : 0), rcode), 2)
  for (const [index, count] of [cut.counts.answer, cut.counts.authority, cut.counts.additional].entries())
    message.writeUInt16BE(count, 6 + 2 * index)
  return withEdns(query, rcode, message)
}

/** Begins somewhere else each time, so that clients that take the first address spread over all. */
function rotated(records: readonly DnsRecord[], random: Random): readonly DnsRecord[] {
  if (records.length < 2) return records
  const first = Math.floor(random.fraction() * records.length)
  return first === 0 ? records : [...records.slice(first), ...records.slice(0, first)]
}

/** The message's own id, and why it is not answered. */
function refusal(message: Buffer, rcode: number): Buffer {
  const answer = Buffer.alloc(12)
  message.copy(answer, 0, 0, 4)
  answer[2] = 0x80 | (answer[2]! & 0x79)
  answer[3] = rcode
  return answer
}
