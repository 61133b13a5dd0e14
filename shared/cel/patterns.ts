import { RE2JS, RE2JSException } from 're2js'
import { BoundedCache } from '../limits/bounded-cache.ts'
import { celLimits } from './limits.ts'
import { CelError } from './value.ts'

/** A regular expression of RE2: it never goes back, so its time grows with the text and with itself, and no faster. */
export interface Pattern {
  readonly regex: RE2JS
  /** What one character of text costs: how many instructions may stand at it. */
  readonly weight: number
}

/** Patterns come from policies and from objects; the same ones come again. */
const known = new BoundedCache<Pattern | CelError>({ bytes: 4 * 1024 * 1024, keyCharacters: celLimits.pattern })

/** The pattern compiled, or why it is none. */
export function compiledPattern(text: string): Pattern | CelError {
  if (text.length > celLimits.pattern)
    return new CelError(`error parsing regexp: the pattern has more than ${celLimits.pattern} characters`)
  const seen = known.get(text)
  if (seen) return seen
  const made = compiled(text)
  known.set(text, made, made instanceof CelError ? 0 : 64 * made.regex.programSize())
  return made
}

function compiled(text: string): Pattern | CelError {
  try {
    const regex = RE2JS.compile(text)
    const size = regex.programSize()
    if (size > celLimits.patternProgram) return new CelError('error parsing regexp: expression too large')
    return { regex, weight: Math.ceil(Math.max(text.length, size) * 0.25) }
  } catch (error) {
    if (error instanceof RE2JSException) return new CelError(error.message)
    throw error
  }
}
