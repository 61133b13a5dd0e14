import { ByteReader } from './byte-reader.ts'
import { crc32c, masked } from './crc32c.ts'
import type { RawEntry } from './raw-entry.ts'
import { unsnap } from './snappy.ts'

/** Two handles and a number that says what the file is. */
const FOOTER = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Behind each block: how it is packed, and the checksum of both. */
const TRAILER = 5
const SNAPPY = 1

interface Handle {
  readonly offset: number
  readonly size: number
}

/**
 * Checks every block of one of LevelDB's tables against its checksum: LevelDB itself does not when it reads, and a table that is not what
 * was written can end the process (its assertions stay on).
 * @throws RangeError saying what is wrong
 */
export function checkTable(bytes: Buffer): void {
  const { metaIndex, index } = footerOf(bytes)
  let end = 0
  for (const each of handlesIn(bytes, index)) {
    if (each.offset !== end) throw new RangeError(`its block at ${end} is not in its index`)
    checkedBlock(bytes, each)
    end = each.offset + each.size + TRAILER
  }
  for (const each of handlesIn(bytes, metaIndex)) checkedBlock(bytes, each)
}

/** What the sound blocks of a table hold; `onDamage` is told of the others. @throws RangeError when not even its index can be read */
export function* soundEntries(bytes: Buffer, onDamage: (what: string) => void): Generator<RawEntry> {
  for (const each of handlesIn(bytes, footerOf(bytes).index)) {
    try {
      for (const { key, value } of blockEntries(checkedBlock(bytes, each))) {
        // Behind a key: its sequence and, in the lowest byte, whether it was put.
        const packed = key.readBigUInt64LE(key.length - 8)
        const isPut = (packed & 255n) === 1n
        yield {
          key: key.toString('utf8', 0, key.length - 8),
          sequence: Number(packed >> 8n),
          value: isPut ? Buffer.from(value) : undefined,
        }
      }
    } catch (error) {
      onDamage(error instanceof Error ? error.message : String(error))
    }
  }
}

function footerOf(bytes: Buffer): { metaIndex: Handle; index: Handle } {
  if (bytes.length < FOOTER) throw new RangeError(`it has ${bytes.length} bytes`)
  const footer = new ByteReader(bytes.subarray(bytes.length - FOOTER))
  if (!footer.bytes.subarray(FOOTER - MAGIC.length).equals(MAGIC)) throw new RangeError('its end is not that of a table')
  return { metaIndex: handle(footer), index: handle(footer) }
}

function handle(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() }
}

/** A block as it lies in the file, with the mark of how it is packed. */
function checkedBlock(bytes: Buffer, { offset, size }: Handle): Buffer {
  if (offset + size + TRAILER > bytes.length) throw new RangeError(`its block at ${offset} reaches behind its end`)
  const block = bytes.subarray(offset, offset + size + 1)
  if (masked(crc32c(block)) !== bytes.readUInt32LE(offset + size + 1))
    throw new RangeError(`its block at ${offset} is not what was written`)
  return block
}

/** The values of an index block are the handles of others. */
function* handlesIn(bytes: Buffer, index: Handle): Generator<Handle> {
  for (const { value } of blockEntries(checkedBlock(bytes, index))) yield handle(new ByteReader(value))
}

/** Keys share beginnings with the one before; a list of places to start from ends the block. */
function* blockEntries(packed: Buffer): Generator<{ key: Buffer; value: Buffer }> {
  const content = packed.subarray(0, -1)
  const block = packed[packed.length - 1] === SNAPPY ? unsnap(content) : content
  if (block.length < 4) throw new RangeError('a block is cut')
  const starts = block.readUInt32LE(block.length - 4)
  const reader = new ByteReader(block.subarray(0, Math.max(0, block.length - 4 - 4 * starts)))
  let key = Buffer.alloc(0)
  while (!reader.isAtEnd) {
    const shared = reader.varint()
    const own = reader.varint()
    const size = reader.varint()
    key = Buffer.concat([key.subarray(0, shared), reader.take(own)])
    yield { key, value: reader.take(size) }
  }
}
