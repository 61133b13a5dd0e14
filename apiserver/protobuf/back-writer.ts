/** Room for most objects; larger ones make it grow. */
const FIRST_ROOM = 64 * 1024
/** A room that has grown past this is not kept. */
const KEPT_ROOM = 4 * 1024 * 1024
/** Texts up to here are copied character by character, which is faster than a call out of JavaScript. */
const SHORT_TEXT = 48

/**
 * Writes protobuf's wire format from the end to the beginning: what a message holds is there before its length must be said, so that nothing
 * is measured beforehand. Fields are therefore written last one first.
 */
export class BackWriter {
  #room = Buffer.allocUnsafeSlow(FIRST_ROOM)
  #at = FIRST_ROOM

  /** Bytes written so far. */
  get size(): number {
    return this.#room.length - this.#at
  }

  /** What was written, as bytes of its own; the writer is empty then. */
  take(): Buffer {
    const taken = Buffer.from(this.#room.subarray(this.#at))
    this.reset()
    return taken
  }

  /** Forgets what was written. */
  reset(): void {
    if (this.#room.length > KEPT_ROOM) this.#room = Buffer.allocUnsafeSlow(FIRST_ROOM)
    this.#at = this.#room.length
  }

  byte(value: number): void {
    if (this.#at === 0) this.#grow(1)
    this.#room[--this.#at] = value
  }

  /** A whole number of up to 53 bits; one below zero takes ten bytes, as in Go. */
  varint(value: number): void {
    if (value < 0x80 && value >= 0) return this.byte(value)
    if (value < 0) return this.#negative(value)
    let count = 1
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count++
    let at = this.#claim(count)
    let rest = value
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#room[at++] = (rest % 0x80) | 0x80
    this.#room[at] = rest
  }

  double(value: number): void {
    const at = this.#claim(8)
    this.#room.writeDoubleLE(value, at)
  }

  /** The text and its length. */
  text(value: string): void {
    if (!this.#shortAscii(value)) {
      const length = Buffer.byteLength(value)
      // Claimed first: the room may be another one then.
      const at = this.#claim(length)
      this.#room.write(value, at, length, 'utf8')
      return this.varint(length)
    }
    this.varint(value.length)
  }

  /** The bytes and their length. */
  bytes(value: Buffer): void {
    this.raw(value)
    this.varint(value.length)
  }

  /** Bytes as they are, without a length. */
  raw(value: Buffer): void {
    const at = this.#claim(value.length)
    value.copy(this.#room, at)
  }

  /** The length of what was written since the size was `before`. */
  lengthSince(before: number): void {
    this.varint(this.size - before)
  }

  /** The same as four bytes, the highest first: how frames of a stream are told apart. */
  frameSince(before: number): void {
    const length = this.size - before
    const at = this.#claim(4)
    this.#room.writeUInt32BE(length, at)
  }

  /** False, with nothing written, for a text that is long or more than ASCII. */
  #shortAscii(value: string): boolean {
    const { length } = value
    if (length > SHORT_TEXT) return false
    const at = this.#claim(length)
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code >= 0x80) {
        this.#at += length
        return false
      }
      this.#room[at + index] = code
    }
    return true
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    let at = this.#claim(10)
    for (; rest >= 0x80n; rest >>= 7n) this.#room[at++] = Number(rest & 0x7fn) | 0x80
    this.#room[at] = Number(rest)
  }

  #claim(length: number): number {
    if (this.#at < length) this.#grow(length)
    this.#at -= length
    return this.#at
  }

  #grow(length: number): void {
    const { size } = this
    const room = Buffer.allocUnsafeSlow(Math.max(this.#room.length * 2, size + length))
    this.#room.copy(room, room.length - size, this.#at)
    this.#room = room
    this.#at = room.length - size
  }
}
