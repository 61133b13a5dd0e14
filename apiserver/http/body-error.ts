import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'

/** The body is not what it says it is. `kind` is what the caller expects. */
export function unreadable(kind: string, bytes: Buffer, reason: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `the object provided is unrecognized (must be of type ${kind}): ${reason} (${summary(bytes)})`, {
    cause,
  })
}

/** The first bytes: as text where they look like JSON, else in hex. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const encoding = bytes[0] === 0x7b ? 'utf8' : 'hex'
  const start = bytes.toString(encoding, 0, Math.min(bytes.length, 30))
  return bytes.length > 30 ? `${start} ...` : start
}

/** A bound of `inputLimits` that a body passes, in words that say what to change. */
export const tooMuch = {
  depth: `exceeded max depth: it nests deeper than ${inputLimits.depth} levels`,
  values: `it holds more than ${inputLimits.values} values; split it into several objects`,
  number: (text: string) =>
    `the number ${text.slice(0, 40)} has more digits than can be kept exactly; write it as text, or with at most 15 digits`,
} as const
