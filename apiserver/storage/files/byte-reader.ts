/** Reads LevelDB's little-endian numbers. @throws RangeError behind the end, or for a number that is none */
export class ByteReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  /** Seven bits a byte, the lowest first; at most 2^53. */
  varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) throw new RangeError('a number goes on behind the end')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    // The rest are the highest bits of a 64-bit number, which we never need exactly.
    while ((this.bytes[this.at++] ?? 0) >= 128);
    return value
  }

  take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw new RangeError('bytes go on behind the end')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}
