import { randomBytes, randomUUID } from 'node:crypto'

/** The only source of chance; handed in, so that a simulated cluster replays from a seed. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number
  /** A version 4 UUID, for `metadata.uid`. */
  uuid(): string
  /** `length` letters of the alphabet that generated object names use (no vowels, nothing easily misread). */
  nameSuffix(length: number): string
}

const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'

/** Bytes fetched from the operating system at a time: a call for each number would be a tenth of what creating a pod costs. */
const POOL_BYTES = 6 * 512

/** Chance from the operating system. */
export function systemRandom(): Random {
  let pool: Buffer = Buffer.alloc(0)
  let used = 0
  const fraction = () => {
    if (used >= pool.length) {
      pool = randomBytes(POOL_BYTES)
      used = 0
    }
    used += 6
    return pool.readUIntBE(used - 6, 6) / 2 ** 48
  }
  return { fraction, uuid: () => randomUUID(), nameSuffix: (length) => suffixFrom(fraction, length) }
}

/** Chance from a seed (mulberry32): the same seed gives the same sequence. Never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const hex = (length: number) => Array.from({ length }, () => Math.floor(fraction() * 16).toString(16)).join('')
  return {
    fraction,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[Math.floor(fraction() * 4)]}${hex(3)}-${hex(12)}`,
    nameSuffix: (length) => suffixFrom(fraction, length),
  }
}

function suffixFrom(fraction: () => number, length: number): string {
  return Array.from({ length }, () => NAME_ALPHABET[Math.floor(fraction() * NAME_ALPHABET.length)]).join('')
}
