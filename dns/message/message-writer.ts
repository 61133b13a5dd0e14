import { parseAddress } from '../../shared/addresses/ip-address.ts'
import type { DnsRecord } from '../records.ts'
import { CLASS_IN, HEAD_BYTES, type } from './codes.ts'
import { writeLabels } from './names.ts'
import { LARGEST_UDP_BYTES, OPT_BYTES } from './opt.ts'
import type { Query } from './query.ts'

/** The longest message that TCP carries. */
export const LONGEST_MESSAGE = 65_535
/** Room for a record that turns out not to fit: three names and their fields. */
const LARGEST_RECORD = 1_024

/**
 * Writes one answer, record by record, into a buffer of its own that the next answer takes over: what `finish` gives is a copy. Names share their
 * ends with the question's, which is nearly all there is to share, except the targets of SRV (RFC 2782).
 */
export class MessageWriter {
  readonly #buffer = Buffer.alloc(LONGEST_MESSAGE + LARGEST_RECORD)
  #at = 0
  #limit = 0
  #questionName = ''

  /** Begins an answer to `query` of at most `limit` octets. */
  begin(query: Query, limit: number): void {
    query.question.copy(this.#buffer, HEAD_BYTES)
    this.#at = HEAD_BYTES + query.question.length
    this.#limit = Math.min(limit, LONGEST_MESSAGE)
    // An escaped octet takes more characters than it has octets, and where labels stand could not be told by counting.
    this.#questionName = query.name.includes('\\') ? '' : query.name
  }

  /** Writes a record whole, or says that it does not fit (or cannot be written at all). */
  write(record: DnsRecord, ttl: number): boolean {
    const start = this.#at
    if (this.#record(record, ttl) && this.#at <= this.#limit) return true
    this.#at = start
    return false
  }

  /**
   * @param counts records of the answer, authority and additional sections
   * @param edns answer in EDNS: the upper bits of the code, and DO
   */
  finish(id: number, flags: number, counts: readonly [number, number, number], edns?: { code: number; dnssecOk: boolean }): Buffer {
    const buffer = this.#buffer
    const end = this.#at
    if (edns) {
      buffer.fill(0, end, end + OPT_BYTES)
      buffer[end + 2] = type.OPT
      buffer.writeUInt16BE(LARGEST_UDP_BYTES, end + 3)
      buffer[end + 5] = edns.code >> 4
      if (edns.dnssecOk) buffer[end + 7] = 0x80
    }
    this.#at = 0
    for (const word of [id, flags, 1, counts[0], counts[1], counts[2] + (edns ? 1 : 0)]) this.#word(word)
    return Buffer.from(buffer.subarray(0, end + (edns ? OPT_BYTES : 0)))
  }

  #record(record: DnsRecord, ttl: number): boolean {
    if (!this.#name(record.name)) return false
    this.#word(type[record.type])
    this.#word(CLASS_IN)
    this.#word(ttl >>> 16)
    this.#word(ttl & 0xffff)
    const data = this.#at + 2
    this.#at = data
    if (!this.#data(record)) return false
    const length = this.#at - data
    this.#buffer[data - 2] = length >> 8
    this.#buffer[data - 1] = length
    return true
  }

  #data(record: DnsRecord): boolean {
    switch (record.type) {
      case 'A':
        return this.#ipv4(record.data)
      case 'AAAA':
        return this.#ipv6(record.data)
      case 'CNAME':
      case 'NS':
      case 'PTR':
        return this.#name(record.data)
      case 'SRV':
        this.#word(record.data.priority)
        this.#word(record.data.weight)
        this.#word(record.data.port)
        return this.#labels(record.data.target, 0)
      case 'TXT': {
        const text = Buffer.from(record.data)
        if (text.length > 255) return false
        this.#buffer[this.#at++] = text.length
        this.#at += text.copy(this.#buffer, this.#at)
        return true
      }
      case 'SOA': {
        const { primary, mailbox, times } = record.data
        if (!this.#name(primary) || !this.#name(mailbox)) return false
        for (const time of times) this.#at = this.#buffer.writeUInt32BE(time >>> 0, this.#at)
        return true
      }
    }
  }

  #word(value: number): void {
    this.#buffer[this.#at] = value >> 8
    this.#buffer[this.#at + 1] = value
    this.#at += 2
  }

  /** Character by character, because nearly all addresses are these, and taking texts apart costs as much as the rest of the answer. */
  #ipv4(text: string): boolean {
    let octet = 0
    let dots = 0
    for (let index = 0; index < text.length; index += 1) {
      const char = text.charCodeAt(index)
      if (char === 46) {
        this.#buffer[this.#at++] = octet
        octet = 0
        dots += 1
      } else if (char >= 48 && char <= 57) octet = octet * 10 + char - 48
      else return false
      if (octet > 255 || dots > 3) return false
    }
    this.#buffer[this.#at++] = octet
    return dots === 3
  }

  #ipv6(text: string): boolean {
    const octets = parseAddress(text)?.toByteArray()
    if (octets?.length !== 16) return false
    for (const octet of octets) this.#buffer[this.#at++] = octet
    return true
  }

  /** The name, its end as a pointer into the question where they share one. A label at character `n` of the question stands `n` octets into it. */
  #name(name: string): boolean {
    const question = this.#questionName
    if (question === '') return this.#labels(name, 0)
    if (name === question) {
      this.#word(0xc000 | HEAD_BYTES)
      return true
    }
    const shared = sharedEnd(name, question)
    if (shared === 0) return this.#labels(name, 0)
    if (!this.#labels(name, shared)) return false
    this.#word(0xc000 | (HEAD_BYTES + question.length - shared))
    return true
  }

  /** Labels of a name but for its last `left` characters; the empty one at its end when none are left out. */
  #labels(name: string, left: number): boolean {
    const end = writeLabels(this.#buffer, this.#at, left === 0 ? name : name.slice(0, Math.max(0, name.length - left - 1)))
    if (end === undefined) return false
    this.#at = end
    if (left === 0) this.#buffer[this.#at++] = 0
    return true
  }
}

/** How many last characters are the same, in whole labels. */
function sharedEnd(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let shared = 0
  for (let length = 1; length <= most; length += 1) {
    const char = one.charCodeAt(one.length - length)
    if (char !== other.charCodeAt(other.length - length)) break
    if (char === 46) shared = length - 1
    else if (length === most && isLabelStart(one, length) && isLabelStart(other, length)) shared = length
  }
  return shared
}

function isLabelStart(name: string, fromEnd: number): boolean {
  return fromEnd === name.length || name.charCodeAt(name.length - fromEnd - 1) === 46
}
