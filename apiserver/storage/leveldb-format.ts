/**
 * How the store lies in LevelDB. A value is written once, under its revision; everything else is small and points to it.
 *
 *   c/<revision>  what changed: see Header; only for revisions after the compacted one
 *   v/<revision>  the value that the revision wrote; kept as long as some state from the compacted revision on needs it
 *   p/<key>       the present: revision and creation revision
 *   m/…           facts about the store
 *
 * Revisions are 16 decimal digits, so that text order is number order up to 2^53.
 */
export const FORMAT = 1

export const META = { format: 'm/format', session: 'm/session', compacted: 'm/compacted', swept: 'm/swept' } as const

export const changeKey = (revision: number) => `c/${digits(revision)}`
export const valueKey = (revision: number) => `v/${digits(revision)}`
export const presentKey = (key: string) => `p/${key}`

/** The range of all keys of one of the spaces above. */
export const spaceOf = (space: 'c' | 'v' | 'p') => ({ gt: `${space}/`, lt: `${space}0` })

/** What a change did, without its value. */
export interface Header {
  readonly revision: number
  readonly type: 'put' | 'delete'
  readonly key: string
  /** The revision that wrote the state before; 0 when there was none. */
  readonly previous: number
  readonly createRevision: number
  /** Wall time, milliseconds. */
  readonly time: number
  /** Bytes of values written up to and including this change, since the store was made. */
  readonly bytes: number
}

export function encodeHeader({ type, key, previous, createRevision, time, bytes }: Header): string {
  return JSON.stringify([type === 'put' ? 1 : 0, key, previous, createRevision, time, bytes])
}

/** @throws SyntaxError for a damaged record. */
export function decodeHeader(change: string, text: string): Header {
  const parts: unknown = JSON.parse(text)
  if (!Array.isArray(parts)) throw new SyntaxError(`damaged record ${change}`)
  const [put, key, previous, createRevision, time, bytes] = parts
  if (typeof key !== 'string' || ![put, previous, createRevision, time, bytes].every((part) => typeof part === 'number')) {
    throw new SyntaxError(`damaged record ${change}`)
  }
  return { revision: Number(change.slice(2)), type: put === 1 ? 'put' : 'delete', key, previous, createRevision, time, bytes }
}

export const encodePresent = (revision: number, createRevision: number) => `${revision} ${createRevision}`

export function decodePresent(text: string): { revision: number; createRevision: number } {
  const [revision, createRevision] = text.split(' ').map(Number)
  if (!revision || !createRevision) throw new SyntaxError(`damaged record of the present: ${JSON.stringify(text)}`)
  return { revision, createRevision }
}

/** The process that has the store open, or had it last. */
export interface Session {
  /** Identity of the running kernel: when it is another one than now, and the store was not closed, the machine went down. */
  readonly boot: string
  readonly closed: boolean
}

export function decodeSession(text: string | undefined): Session | undefined {
  if (text === undefined) return undefined
  const session: unknown = JSON.parse(text)
  if (typeof session !== 'object' || session === null || !('boot' in session) || !('closed' in session)) return undefined
  return { boot: String(session.boot), closed: session.closed === true }
}

function digits(revision: number): string {
  return String(revision).padStart(16, '0')
}
