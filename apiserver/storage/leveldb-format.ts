import { crc32 } from 'node:zlib'

/**
 * How the store lies in LevelDB. A value is written once, under its revision; everything else is small and points to it.
 *
 *   h/<revision>  what changed: see Header; only for revisions after the compacted one
 *   v/<revision>  the value that the revision wrote; kept as long as some state from the compacted revision on needs it
 *   k/<key>       the present: revision, creation revision, and the check of the value
 *   m/…           facts about the store
 *
 * Revisions are 16 decimal digits, so that text order is number order up to 2^53. Every text ends with its checksum, and whoever points to a
 * value has the value's: LevelDB does not look at its own when it reads, and what it drops it drops in silence.
 */
export const FORMAT = 2

export const META = { format: 'm/format', session: 'm/session', compacted: 'm/compacted', swept: 'm/swept', totals: 'm/totals' } as const

export const changeKey = (revision: number) => `h/${digits(revision)}`
export const valueKey = (revision: number) => `v/${digits(revision)}`
export const presentKey = (key: string) => `k/${key}`

/** The range of all keys of one of the spaces above. */
export const spaceOf = (space: string) => ({ gt: `${space}/`, lt: `${space}0` })

/** A record that is not what was written. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord'
  constructor(record: string) {
    super(`the record ${JSON.stringify(record)} is not what was written`)
  }
}

/** The checksum of a value, which also says whose it is and of when. */
export function checkOf(key: string, revision: number, value: Buffer): number {
  return crc32(value, crc32(`${key}@${revision}`))
}

/** A text with its checksum behind it; the record's name is part of what is checked. */
export function seal(record: string, text: string): string {
  return `${text} ${crc32(text, crc32(record)).toString(16).padStart(8, '0')}`
}

/** @throws DamagedRecord */
export function unseal(record: string, sealed: string): string {
  const text = sealed.slice(0, -9)
  if (seal(record, text) !== sealed) throw new DamagedRecord(record)
  return text
}

/** What all that is present comes to: it tells when one of the small records is missing or an old one has come back. */
export interface Totals {
  /** How many keys there are. */
  readonly live: number
  /** The sum of the checks of their values, modulo 2^32. */
  readonly sum: number
}

export const NO_TOTALS: Totals = { live: 0, sum: 0 }

/** Totals after a value came or went; a check of undefined is no value. */
export function totalsAfter({ live, sum }: Totals, added: number | undefined, removed: number | undefined): Totals {
  return {
    live: live + (added === undefined ? 0 : 1) - (removed === undefined ? 0 : 1),
    sum: (sum + (added ?? 0) + (2 ** 32 - (removed ?? 0))) % 2 ** 32,
  }
}

/** What a change did, without its value. */
export interface Header extends Totals {
  readonly revision: number
  readonly type: 'put' | 'delete'
  readonly key: string
  /** The revision that wrote the state before, and the check of its value; 0 when there was none. */
  readonly previous: number
  readonly previousCheck: number
  readonly createRevision: number
  /** Wall time, milliseconds. */
  readonly time: number
  /** Bytes of values written up to and including this change, since the store was made. */
  readonly bytes: number
  /** Of the value. */
  readonly check: number
}

export function encodeHeader(header: Header): string {
  const { revision, type, key, previous, previousCheck, createRevision, time, bytes, check, live, sum } = header
  const text = JSON.stringify([type === 'put' ? 1 : 0, key, previous, previousCheck, createRevision, time, bytes, check, live, sum])
  return seal(changeKey(revision), text)
}

/** @throws DamagedRecord */
export function decodeHeader(record: string, sealed: string): Header {
  const parts: unknown = JSON.parse(unseal(record, sealed))
  if (!Array.isArray(parts)) throw new DamagedRecord(record)
  const [put, key, ...numbers] = parts
  if (typeof key !== 'string' || numbers.length !== 8 || ![put, ...numbers].every(Number.isSafeInteger)) throw new DamagedRecord(record)
  const [previous, previousCheck, createRevision, time, bytes, check, live, sum] = numbers
  const revision = Number(record.slice(2))
  return { revision, type: put === 1 ? 'put' : 'delete', key, previous, previousCheck, createRevision, time, bytes, check, live, sum }
}

/** Where the present state of a key lies. */
export interface Place {
  readonly key: string
  readonly revision: number
  readonly createRevision: number
  readonly check: number
}

export function encodePlace({ key, revision, createRevision, check }: Place): string {
  return seal(presentKey(key), `${revision} ${createRevision} ${check}`)
}

/** @throws DamagedRecord */
export function decodePlace(record: string, sealed: string): Place {
  const numbers = unseal(record, sealed).split(' ').map(Number)
  const [revision, createRevision, check] = numbers
  if (!revision || !createRevision || check === undefined || !numbers.every(Number.isSafeInteger)) throw new DamagedRecord(record)
  return { key: record.slice(2), revision, createRevision, check }
}

/** The process that has the store open, or had it last. */
export interface Session {
  /** Identity of the running kernel: when it is another one than now, and the store was not closed, the machine went down. */
  readonly boot: string
  readonly closed: boolean
}

function digits(revision: number): string {
  return String(revision).padStart(16, '0')
}
