/** How a field's value is laid out. */
const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** Walks the fields of one protobuf message: iterate, and read each value before going on. @throws RangeError for bytes that are no message */
export class WireReader {
  /** The number of the field the iteration is at. */
  number = 0
  readonly #message: Buffer
  #at = 0
  #type = VARINT
  #integer = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor(message: Buffer) {
    this.#message = message
  }

  *[Symbol.iterator](): Generator<WireReader, void, undefined> {
    while (this.#at < this.#message.length) {
      const tag = this.#varint()
      this.number = Math.floor(tag / 8)
      this.#type = tag % 8
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

  integer(): number {
    if (this.#type !== VARINT) throw new RangeError(`field ${this.number} is not a whole number`)
    return this.#integer
  }

  double(): number {
    if (this.#type !== FIXED64) throw new RangeError(`field ${this.number} is not a number`)
    return this.#bytes.readDoubleLE()
  }

  static packed(bytes: Buffer): number[] {
    const reader = new WireReader(bytes)
    const values: number[] = []
    while (reader.#at < bytes.length) values.push(reader.#varint())
    return values
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#message.length) throw new RangeError('unexpected end of the message')
    const taken = this.#message.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** Up to 64 bits, two's complement; API numbers fit a double. */
  #varint(): number {
    let low = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#message[this.#at++]
      if (byte === undefined) throw new RangeError('unexpected end of the message')
      if (byte < 0x80 && shift === 0n) return byte
      low |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, low))
    }
    throw new RangeError('a number is too long')
  }
}
