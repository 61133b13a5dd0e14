/** Tables for four bytes at a time; made when the first sum is asked for. */
let tables: readonly Uint32Array[] | undefined

function makeTables(): readonly Uint32Array[] {
  const made = Array.from({ length: 4 }, () => new Uint32Array(256))
  const [first, ...others] = made as [Uint32Array, ...Uint32Array[]]
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
    first[byte] = sum
  }
  let before = first
  for (const table of others) {
    for (let byte = 0; byte < 256; byte++) table[byte] = (before[byte]! >>> 8) ^ first[before[byte]! & 255]!
    before = table
  }
  return made
}

/** CRC-32C (Castagnoli, RFC 3720), the checksum in LevelDB's files; `zlib.crc32` has the other polynomial. */
export function crc32c(bytes: Uint8Array): number {
  tables ??= makeTables()
  const [t0, t1, t2, t3] = tables as readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  const { length } = bytes
  let sum = -1
  let at = 0
  for (; at + 4 <= length; at += 4) {
    sum ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    sum = t3[sum & 255]! ^ t2[(sum >>> 8) & 255]! ^ t1[(sum >>> 16) & 255]! ^ t0[sum >>> 24]!
  }
  for (; at < length; at++) sum = (sum >>> 8) ^ t0[(sum ^ bytes[at]!) & 255]!
  return ~sum >>> 0
}

/** LevelDB stores sums rotated and moved, because sums of sums are weak. */
export function masked(sum: number): number {
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0
}
