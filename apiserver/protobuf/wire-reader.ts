import { isUtf8 } from 'node:buffer'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { tooMuch } from '../../shared/limits/too-much.ts'
import { BYTES, FIXED32, FIXED64, VARINT } from './wire-types.ts'

/** What the readers of one body have met together. */
interface Tally {
  values: number
}

/** Texts up to here are looked at byte by byte, which is faster than calls out of JavaScript. */
const SHORT_TEXT = 64

/**
 * Walks the fields of one protobuf message: iterate, or ask for the `next`, and read each value before going on. Every step moves forward, and
 * messages inside messages share the bytes, one count of values and one depth.
 * @throws RangeError for bytes that are no message, or more than `inputLimits` allow
 */
export class WireReader {
  /** The number of the field the reader is at. */
  number = 0
  readonly #message: Buffer
  readonly #tally: Tally
  readonly #depth: number
  readonly #end: number
  #at: number
  #type = VARINT
  /** Exact: a bigint where a number would not be. */
  #integer: number | bigint = 0
  /** Where the bytes of the field begin and end. */
  #from = 0
  #to = 0

  /** @param message its bytes, or a reader that is at the field which holds it */
  constructor(message: Buffer | WireReader) {
    const within = message instanceof WireReader ? message : undefined
    this.#message = message instanceof WireReader ? message.#message : message
    this.#at = within ? within.#from : 0
    this.#end = within ? within.#to : this.#message.length
    this.#tally = within ? within.#tally : { values: 0 }
    this.#depth = within ? within.#depth + 1 : 0
    if (this.#depth > inputLimits.depth) throw new RangeError(tooMuch.depth)
  }

  *[Symbol.iterator](): Generator<WireReader, void, undefined> {
    while (this.next()) yield this
  }

  /** Goes to the next field; false when there is none. */
  next(): boolean {
    if (this.#at >= this.#end) return false
    this.#count()
    const tag = this.#varint()
    // 29 bits of number and 3 of type: everything longer is no tag.
    if (tag < 0 || tag > 0xffffffff) throw new RangeError('a field number is too large')
    this.number = Number(tag) >>> 3
    this.#type = Number(tag) & 7
    if (this.#type === VARINT) this.#integer = this.#varint()
    else if (this.#type === BYTES) this.#take(this.#varint())
    else if (this.#type === FIXED64) this.#take(8)
    else if (this.#type === FIXED32) this.#take(4)
    else throw new RangeError(`unknown wire type ${this.#type}`)
    return true
  }

  get isBytes(): boolean {
    return this.#type === BYTES
  }

  /** How many bytes the field is made of. */
  get length(): number {
    this.#mustBeBytes()
    return this.#to - this.#from
  }

  bytes(): Buffer {
    this.#mustBeBytes()
    return this.#message.subarray(this.#from, this.#to)
  }

  /** The message that the field holds. */
  message(): WireReader {
    this.#mustBeBytes()
    return new WireReader(this)
  }

  text(): string {
    this.#mustBeBytes()
    if (this.#isShortAscii()) return this.#message.toString('latin1', this.#from, this.#to)
    const bytes = this.bytes()
    if (!isUtf8(bytes)) throw new RangeError(`the text of field ${this.number} is not valid UTF-8`)
    return bytes.toString()
  }

  integer(): number {
    if (this.#type !== VARINT) throw new RangeError(`field ${this.number} is not a whole number`)
    return whole(this.#integer)
  }

  double(): number {
    if (this.#type !== FIXED64) throw new RangeError(`field ${this.number} is not a number`)
    const value = this.#message.readDoubleLE(this.#from)
    if (!Number.isFinite(value)) throw new RangeError(`field ${this.number} is no finite number`)
    return value
  }

  /** Numbers written one after another in the bytes of the field. */
  packed(): number[] {
    const reader = this.message()
    const values: number[] = []
    while (reader.#at < reader.#end) {
      this.#count()
      values.push(whole(reader.#varint()))
    }
    return values
  }

  #isShortAscii(): boolean {
    if (this.#to - this.#from > SHORT_TEXT) return false
    for (let at = this.#from; at < this.#to; at++) if (this.#message[at]! >= 0x80) return false
    return true
  }

  #mustBeBytes(): void {
    if (this.#type !== BYTES) throw new RangeError(`field ${this.number} is not made of bytes`)
  }

  #count(): void {
    if (++this.#tally.values > inputLimits.values) throw new RangeError(tooMuch.values)
  }

  #take(length: number | bigint): void {
    // One below zero is one that is far too large.
    if (length < 0 || length > this.#end - this.#at) throw new RangeError('unexpected end of the message')
    this.#from = this.#at
    this.#at += Number(length)
    this.#to = this.#at
  }

  /** Up to 64 bits, the highest of which is the sign. */
  #varint(): number | bigint {
    let low = 0
    let factor = 1
    for (let read = 0; read < 7; read++) {
      const byte = this.#next()
      low += (byte & 0x7f) * factor
      if (byte < 0x80) return low
      factor *= 0x80
    }
    let value = BigInt(low)
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.#next()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new RangeError('a number is too long')
  }

  #next(): number {
    if (this.#at >= this.#end) throw new RangeError('unexpected end of the message')
    return this.#message[this.#at++]!
  }
}

function whole(value: number | bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new RangeError(tooMuch.number(String(value)))
  return number
}
