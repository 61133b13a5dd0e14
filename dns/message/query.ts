import { code, HEAD_BYTES, type } from './codes.ts'
import { readName, skipName } from './names.ts'

/** Records of one query besides its question: what EDNS and signatures add. */
const MOST_RECORDS = 7

/** What a client said of itself by EDNS (RFC 6891). */
export interface Edns {
  /** Octets of a datagram that it takes. */
  size: number
  version: number
  /** It wants signatures along. */
  dnssecOk: boolean
}

/** A message that asks one thing. */
export interface Query {
  id: number
  /** As they came: opcode, RD, CD. */
  flags: number
  /** Lower case, without the final dot. */
  name: string
  type: number
  class: number
  /** The question as it was written, case included: answers repeat it. */
  question: Buffer
  edns: Edns | undefined
}

/** Kinds of messages that are no query to us, by the code they are answered with. */
export interface Unreadable {
  refusal: number
}

/**
 * Reads a query; linear in its length, whatever it says. Undefined for what deserves no answer: too short to hold an id, or an answer itself,
 * which would only feed a loop.
 */
export function readQuery(message: Buffer): Query | Unreadable | undefined {
  if (message.length < HEAD_BYTES || message[2]! & 0x80) return undefined
  const flags = message.readUInt16BE(2)
  if ((flags >> 11) & 0x0f) return { refusal: code.notImplemented }
  const additional = message.readUInt16BE(10)
  // One question (RFC 9619), and nothing that only answers have.
  if (message.readUInt16BE(4) !== 1 || message.readUInt16BE(6) !== 0 || message.readUInt16BE(8) !== 0 || additional > MOST_RECORDS)
    return { refusal: code.formatError }
  const read = readName(message, HEAD_BYTES)
  if (!read || read.end + 4 > message.length) return { refusal: code.formatError }
  const end = read.end + 4
  const edns = additional === 0 ? undefined : ednsOf(message, end, additional)
  if (edns === 'broken') return { refusal: code.formatError }
  return {
    ...{ id: message.readUInt16BE(0), flags, name: read.name, edns },
    ...{ type: message.readUInt16BE(read.end), class: message.readUInt16BE(read.end + 2), question: message.subarray(HEAD_BYTES, end) },
  }
}

function ednsOf(message: Buffer, start: number, count: number): Edns | undefined | 'broken' {
  let at = start
  let edns: Edns | undefined
  for (let left = count; left > 0; left -= 1) {
    const isRoot = message[at] === 0
    const afterName = skipName(message, at)
    if (afterName === undefined || afterName + 10 > message.length) return 'broken'
    const end = afterName + 10 + message.readUInt16BE(afterName + 8)
    if (end > message.length) return 'broken'
    if (message.readUInt16BE(afterName) === type.OPT) {
      // More than one, or one of another name, is an error (RFC 6891, 6.1.1).
      if (edns || !isRoot) return 'broken'
      edns = {
        size: message.readUInt16BE(afterName + 2),
        version: message[afterName + 5]!,
        dnssecOk: (message[afterName + 6]! & 0x80) !== 0,
      }
    }
    at = end
  }
  return edns
}
