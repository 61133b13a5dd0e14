import { isObject } from '../patch/json-value.ts'

/** What the sender of a write says made it write: a claim, for people who look; nothing is decided by it. */
export interface SaidCause {
  readonly by: string
  readonly revision: number | undefined
  readonly why: string | undefined
}

/** Characters that are kept of what somebody says. */
const MOST = { by: 100, why: 1_500, header: 10_000 }

/** The header as it is kept; undefined for one that none of our components would send. */
export function boundedHeader(header: string | undefined): string | undefined {
  return header !== undefined && header.length <= MOST.header ? header : undefined
}

/** The revision alone: every write is asked for it, and few for the rest. */
export function revisionIn(header: string | undefined): number | undefined {
  const found = header === undefined ? undefined : /"revision":"(\d{1,15})"/.exec(header)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** Reads the header; undefined for what is not of our components' making. */
export function saidCause(header: string | undefined): SaidCause | undefined {
  if (boundedHeader(header) === undefined) return undefined
  const said = parsed(header!)
  if (!isObject(said) || typeof said['by'] !== 'string') return undefined
  const { by, revision, why } = said
  const number = typeof revision === 'string' && /^\d{1,15}$/.test(revision) ? Number(revision) : undefined
  return { by: by.slice(0, MOST.by), revision: number, why: typeof why === 'string' ? why.slice(0, MOST.why) : undefined }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // somebody's own text: as good as none
  }
}
