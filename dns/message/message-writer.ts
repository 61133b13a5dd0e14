import { parseAddress } from '../../shared/addresses/ip-address.ts'
import type { DnsRecord } from '../records.ts'
import { CLASS_IN, HEAD_BYTES, type } from './codes.ts'
import { labelsOf } from './names.ts'
import type { Query } from './query.ts'

/** The longest message that TCP carries. */
export const LONGEST_MESSAGE = 65_535

/** Room for a record that turns out not to fit: three names and their fields. */
const LARGEST_RECORD = 1_024

const POINTER_TO_QUESTION = 0xc000 | HEAD_BYTES
/** Pointers have 14 bits. */
const LAST_POINTER = 0x3fff

/**
 * Writes one answer, record by record, into a buffer of its own that the next answer takes over: what `finish` gives is a copy.
 * Names are compressed against each other, except the targets of SRV (RFC 2782).
 */
export class MessageWriter {
  readonly #buffer = Buffer.alloc(LONGEST_MESSAGE + LARGEST_RECORD)
  #at = 0
  #limit = 0
  #questionName = ''
  /** Endings of names that were written, and where. */
  readonly #known = new Map<string, number>()
  #isQuestionKnown = false

  /** Begins an answer to `query` of at most `limit` octets. */
  begin(query: Query, limit: number): void {
    query.question.copy(this.#buffer, HEAD_BYTES)
    this.#at = HEAD_BYTES + query.question.length
    this.#limit = Math.min(limit, LONGEST_MESSAGE)
    this.#questionName = query.name
    this.#known.clear()
    this.#isQuestionKnown = false
  }

  /** Writes a record whole, or says that it does not fit (or cannot be written at all). */
  write(record: DnsRecord, ttl: number): boolean {
    const start = this.#at
    if (this.#record(record, ttl) && this.#at <= this.#limit) return true
    this.#at = start
    for (const [ending, at] of this.#known) if (at >= start) this.#known.delete(ending)
    return false
  }

  /** @param counts records of the answer, authority and additional sections */
  finish(id: number, flags: number, counts: readonly [number, number, number]): Buffer {
    const buffer = this.#buffer
    buffer.writeUInt16BE(id, 0)
    buffer.writeUInt16BE(flags, 2)
    buffer.writeUInt16BE(1, 4)
    for (const [index, count] of counts.entries()) buffer.writeUInt16BE(count, 6 + 2 * index)
    return Buffer.from(buffer.subarray(0, this.#at))
  }

  #record(record: DnsRecord, ttl: number): boolean {
    if (!this.#name(record.name)) return false
    const buffer = this.#buffer
    buffer.writeUInt16BE(type[record.type], this.#at)
    buffer.writeUInt16BE(CLASS_IN, this.#at + 2)
    buffer.writeUInt32BE(ttl, this.#at + 4)
    const lengthAt = this.#at + 8
    this.#at += 10
    if (!this.#data(record)) return false
    buffer.writeUInt16BE(this.#at - lengthAt - 2, lengthAt)
    return true
  }

  #data(record: DnsRecord): boolean {
    switch (record.type) {
      case 'A':
      case 'AAAA': {
        const octets = octetsOf(record.data)
        if (octets?.length !== (record.type === 'A' ? 4 : 16)) return false
        for (const octet of octets) this.#buffer[this.#at++] = octet
        return true
      }
      case 'CNAME':
      case 'NS':
      case 'PTR':
        return this.#name(record.data)
      case 'SRV':
        this.#words(record.data.priority, record.data.weight, record.data.port)
        return this.#wholeName(record.data.target)
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

  #words(...values: number[]): void {
    for (const value of values) this.#at = this.#buffer.writeUInt16BE(value, this.#at)
  }

  #name(name: string): boolean {
    if (name === this.#questionName && name !== '') {
      this.#words(POINTER_TO_QUESTION)
      return true
    }
    const labels = labelsOf(name)
    if (!labels) return false
    this.#learnQuestion()
    let rest = name
    for (const label of labels) {
      const known = this.#known.get(rest)
      if (known !== undefined) {
        this.#words(0xc000 | known)
        return true
      }
      if (this.#at <= LAST_POINTER) this.#known.set(rest, this.#at)
      this.#label(label)
      rest = rest.slice(rest.indexOf('.') + 1)
    }
    this.#buffer[this.#at++] = 0
    return true
  }

  #wholeName(name: string): boolean {
    const labels = labelsOf(name)
    if (!labels) return false
    for (const label of labels) this.#label(label)
    this.#buffer[this.#at++] = 0
    return true
  }

  #label(label: Buffer): void {
    this.#buffer[this.#at++] = label.length
    this.#at += label.copy(this.#buffer, this.#at)
  }

  /** Only answers that name something else need the endings of the question. */
  #learnQuestion(): void {
    if (this.#isQuestionKnown) return
    this.#isQuestionKnown = true
    let at = HEAD_BYTES
    for (let rest = this.#questionName; rest !== ''; ) {
      this.#known.set(rest, at)
      at += (this.#buffer[at] ?? 0) + 1
      const dot = rest.indexOf('.')
      rest = dot < 0 ? '' : rest.slice(dot + 1)
    }
  }
}

function octetsOf(text: string): readonly number[] | undefined {
  // Nearly all are IPv4, and a general parser costs as much as the rest of the answer.
  const parts = text.split('.')
  if (parts.length !== 4) return parseAddress(text)?.toByteArray()
  const octets = parts.map(Number)
  return octets.every((octet) => octet >= 0 && octet <= 255) ? octets : undefined
}
