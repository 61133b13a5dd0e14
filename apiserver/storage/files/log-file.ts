import { ByteReader } from './byte-reader.ts'
import { crc32c, masked } from './crc32c.ts'
import type { RawEntry } from './raw-entry.ts'

/** LevelDB's logs are made of blocks; a record that does not fit goes on in the next. */
const BLOCK = 32 * 1024
const HEADER = 7
const FULL = 1
const FIRST = 2
const LAST = 4

/**
 * The records of a log. One that is cut at the very end is one whose writer was killed, and does not count.
 * `onDamage` is told of what is not what was written, and the next block is tried; it may throw.
 */
export function* logRecords(bytes: Buffer, onDamage: (what: string) => void): Generator<Buffer> {
  let parts: Buffer[] | undefined
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const left = BLOCK - (at % BLOCK)
    const length = left < HEADER ? 0 : bytes.readUInt16LE(at + 4)
    const end = at + HEADER + length
    if (left < HEADER) {
      at += left
      continue
    }
    if (end > bytes.length) return
    if (masked(crc32c(bytes.subarray(at + 6, end))) !== bytes.readUInt32LE(at)) {
      onDamage(`its record at ${at} is not what was written`)
      parts = undefined
      at += left
      continue
    }
    const type = bytes[at + 6]!
    if (type === FULL || type === FIRST) parts = []
    parts?.push(bytes.subarray(at + HEADER, end))
    if (parts && (type === FULL || type === LAST)) yield Buffer.concat(parts)
    at = end
  }
}

/** What a batch of writes puts and deletes: a sequence number, a count, and the writes one after another. @throws RangeError */
export function* batchEntries(record: Buffer): Generator<RawEntry> {
  const reader = new ByteReader(record)
  let sequence = Number(reader.take(8).readBigUInt64LE(0))
  reader.take(4)
  while (!reader.isAtEnd) {
    const isPut = reader.take(1)[0] === 1
    const key = reader.take(reader.varint()).toString()
    yield { key, sequence: sequence++, value: isPut ? reader.take(reader.varint()) : undefined }
  }
}
