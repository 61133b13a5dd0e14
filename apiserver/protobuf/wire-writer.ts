/** Writes protobuf's wire format (varints and length-delimited fields), as far as our answers need it. */
export class WireWriter {
  readonly #parts: Buffer[] = []

  string(number: number, value: string | undefined): this {
    return value === undefined || value === '' ? this : this.bytes(number, Buffer.from(value))
  }

  bool(number: number, value: boolean | undefined): this {
    if (value) this.#parts.push(varint(number << 3), varint(1))
    return this
  }

  /** A message inside; written even when it is empty, because its presence may mean something. */
  message(number: number, write: (inner: WireWriter) => void): this {
    const inner = new WireWriter()
    write(inner)
    return this.bytes(number, inner.finish())
  }

  bytes(number: number, value: Buffer): this {
    this.#parts.push(varint((number << 3) | 2), varint(value.length), value)
    return this
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts)
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
