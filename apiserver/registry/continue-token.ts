import { StatusError } from '../../shared/errors/status-error.ts'

/** Where a paged list goes on. */
export interface ContinueToken {
  /** The revision of the first page; -1: whatever is newest (the list may be inconsistent). */
  readonly revision: number
  /** The last key already answered. */
  readonly after: string
}

/** Opaque to clients; the shape is upstream's. The key is relative to the resource. */
export function encodeContinue(token: ContinueToken, prefix: string): string {
  const start = `${token.after.slice(prefix.length)}\u0000`
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start })).toString('base64url')
}

/** @throws StatusError BadRequest for anything we did not write */
export function decodeContinue(text: string, prefix: string): ContinueToken {
  let token: unknown
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (cause) {
    throw invalidToken('continue key is not valid', cause)
  }
  if (typeof token !== 'object' || token === null || !('v' in token) || !('rv' in token) || !('start' in token)) {
    throw invalidToken('continue key is not valid')
  }
  const { v, rv, start } = token
  if (v !== 'meta.k8s.io/v1') throw invalidToken('continue key is not valid: server does not recognize this encoded version')
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) {
    throw invalidToken('continue key is not valid: incorrect encoded start resourceVersion')
  }
  if (typeof start !== 'string' || !start.endsWith('\u0000') || start.length < 2) {
    throw invalidToken('continue key is not valid: encoded start key is empty')
  }
  return { revision: rv, after: prefix + start.slice(0, -1) }
}

function invalidToken(message: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', message, { cause })
}
