import { isUtf8 } from 'node:buffer'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import { tooMuch } from '../../shared/limits/too-much.ts'

/** How a field's value is laid out. */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** What the readers of one body have met together. */
interface Tally {
  values: number
}

/**
 * Walks the fields of one protobuf message: iterate, and read each value before going on. Every step moves forward, and messages
 * inside messages share one count of values and one depth.
 * @throws RangeError for bytes that are no message, or more than `inputLimits` allow
 */
export class WireReader {
  /** The number of the field the iteration is at. */
  number = 0
  readonly #message: Buffer
  readonly #tally: Tally
  readonly #depth: number
  #at = 0
  #type = VARINT
  /** Exact: a bigint where a number would not be. */
  #integer: number | bigint = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor(message: Buffer, within?: WireReader) {
    this.#message = message
    this.#tally = within ? within.#tally : { values: 0 }
    this.#depth = within ? within.#depth + 1 : 0
    if (this.#depth > inputLimits.depth) throw new RangeError(tooMuch.depth)
  }

  *[Symbol.iterator](): Generator<WireReader, void, undefined> {
    while (this.#at < this.#message.length) {
      this.#count()
      const tag = this.#varint()
      // 29 bits of number and 3 of type: everything longer is no tag.
      if (tag < 0 || tag > 0xffffffff) throw new RangeError('a field number is too large')
      this.number = Number(tag) >>> 3
      this.#type = Number(tag) & 7
      if (this.#type === VARINT) this.#integer = this.#varint()
      else if (this.#type === BYTES) this.#bytes = this.#take(this.#varint())
      else if (this.#type === FIXED64) this.#bytes = this.#take(8)
      else if (this.#type === FIXED32) this.#bytes = this.#take(4)
      else throw new RangeError(`unknown wire type ${this.#type}`)
      yield this
    }
  }

  get isBytes(): boolean {
    return this.#type === BYTES
  }

  bytes(): Buffer {
    if (this.#type !== BYTES) throw new RangeError(`field ${this.number} is not made of bytes`)
    return this.#bytes
  }

  /** The message that the field holds. */
  message(): WireReader {
    return new WireReader(this.bytes(), this)
  }

  text(): string {
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
    const value = this.#bytes.readDoubleLE()
    if (!Number.isFinite(value)) throw new RangeError(`field ${this.number} is no finite number`)
    return value
  }

  /** Numbers written one after another in the bytes of the field. */
  packed(): number[] {
    const reader = this.message()
    const values: number[] = []
    while (reader.#at < reader.#message.length) {
      this.#count()
      values.push(whole(reader.#varint()))
    }
    return values
  }

  #count(): void {
    if (++this.#tally.values > inputLimits.values) throw new RangeError(tooMuch.values)
  }

  #take(length: number | bigint): Buffer {
    // One below zero is one that is far too large.
    if (length < 0 || length > this.#message.length - this.#at) throw new RangeError('unexpected end of the message')
    const end = this.#at + Number(length)
    const taken = this.#message.subarray(this.#at, end)
    this.#at = end
    return taken
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
    const byte = this.#message[this.#at++]
    if (byte === undefined) throw new RangeError('unexpected end of the message')
    return byte
  }
}

function whole(value: number | bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new RangeError(tooMuch.number(String(value)))
  return number
}
