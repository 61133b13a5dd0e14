import { ByteReader } from './byte-reader.ts'

/** Nothing of ours is longer; a damaged length must not become an allocation. */
const LONGEST = 64 * 2 ** 20

/** Unpacks Snappy's block format. @throws RangeError for bytes that are not such a block */
export function unsnap(packed: Buffer): Buffer {
  const reader = new ByteReader(packed)
  const length = reader.varint()
  if (length > LONGEST) throw new RangeError(`${length} bytes are said to be in a block`)
  const out = Buffer.alloc(length)
  let end = 0
  while (!reader.isAtEnd) {
    const tag = reader.take(1)[0]!
    const kind = tag & 3
    if (kind === 0) {
      const short = tag >>> 2
      const size = (short < 60 ? short : reader.take(short - 59).readUIntLE(0, short - 59)) + 1
      if (end + size > length) throw new RangeError('more is in a block than it says')
      reader.take(size).copy(out, end)
      end += size
      continue
    }
    const size = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const offset =
      kind === 1 ? ((tag >>> 5) << 8) | reader.take(1)[0]! : kind === 2 ? reader.take(2).readUInt16LE(0) : reader.take(4).readUInt32LE(0)
    if (offset === 0 || offset > end || end + size > length) throw new RangeError('a copy reaches out of its block')
    // Byte by byte: a copy may overlap itself.
    for (let each = 0; each < size; each++, end++) out[end] = out[end - offset]!
  }
  if (end !== length) throw new RangeError('less is in a block than it says')
  return out
}
