import { StatusError } from '../../shared/errors/status-error.ts'

/** The body is not what it says it is. `kind` is what the caller expects. */
export function unreadable(kind: string, bytes: Buffer, reason: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `the object provided is unrecognized (must be of type ${kind}): ${reason} (${summary(bytes)})`, {
    cause,
  })
}

/** The body is in a form that is not read here. @param more why not */
export function unsupportedMediaType(accepted: readonly string[], more = ''): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}${more}`
  return new StatusError('UnsupportedMediaType', message, { details: {} })
}

/** The first bytes: as text where they look like JSON, else in hex. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const encoding = bytes[0] === 0x7b ? 'utf8' : 'hex'
  const start = bytes.toString(encoding, 0, Math.min(bytes.length, 30))
  return bytes.length > 30 ? `${start} ...` : start
}
