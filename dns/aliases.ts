import { type Answer, decode, encode } from 'dns-packet'
import { CLASS_IN } from './message/codes.ts'
import { writeLabels } from './message/names.ts'
import type { Query } from './message/query.ts'
import { type DnsRecord, TIME_TO_LIVE, type ZoneAnswer } from './records.ts'

/** How many ExternalNames may stand behind each other. */
const MOST_ALIASES = 8
/** A name of 255 octets, its type and class. */
const LONGEST_QUESTION = 260

export interface AliasChain {
  /** The CNAME records on the way. */
  aliases: readonly DnsRecord[]
  /** The last target, and what is known of it here. */
  target: string
  end: Exclude<ZoneAnswer, { kind: 'elsewhere' }>
}

/**
 * Where a name that goes on elsewhere ends: each alias on the way, and the last target.
 * @param answer what is said here of a name
 * @throws Error when aliases lead in a circle or there are more than `MOST_ALIASES`
 */
export function aliasChain(first: ZoneAnswer & { kind: 'elsewhere' }, answer: (name: string) => ZoneAnswer): AliasChain {
  const aliases: DnsRecord[] = []
  let step: ZoneAnswer = first
  let target = first.target
  while (step.kind === 'elsewhere') {
    aliases.push(...step.answers)
    if (aliases.length > MOST_ALIASES) throw new Error(`more than ${MOST_ALIASES} names behind each other`)
    target = step.target
    step = answer(target)
  }
  return { aliases, target, end: step }
}

/** The question for `name`. @throws Error for what no message can ask for */
export function questionOf(name: string, type: number): Buffer {
  const question = Buffer.alloc(LONGEST_QUESTION)
  const end = writeLabels(question, 0, name)
  if (end === undefined) throw new Error(`${name} is no name that can be asked for`)
  question.writeUInt16BE(type, end + 1)
  question.writeUInt16BE(CLASS_IN, end + 3)
  return question.subarray(0, end + 5)
}

/**
 * The aliases and, behind them, what somebody else says of the last target; the code is the last one's (RFC 6604).
 * @throws Error for an answer that cannot be read
 */
export function joined(query: Query, aliases: readonly DnsRecord[], answer: Buffer): Buffer {
  const { flags = 0, answers = [], authorities = [] } = decode(answer)
  const ours = aliases.map((record) => ({ ...record, ttl: TIME_TO_LIVE, class: 'IN' }) as Answer)
  // The library compresses no names, so nothing in the records points to where they stand, and the question can be put before them as it came.
  const records = encode({ type: 'response', flags, answers: [...ours, ...answers], authorities })
  const message = Buffer.concat([records.subarray(0, 12), query.question, records.subarray(12)])
  message.writeUInt16BE(1, 4)
  return message
}
