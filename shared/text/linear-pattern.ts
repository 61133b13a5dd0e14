import { RE2JS } from 're2js'

/** A regular expression of a stranger, in RE2's language, which is Go's: matching takes time that grows with the text and never faster. */
export interface LinearPattern {
  /** As it was written. */
  readonly source: string
  /** Whether the pattern is found anywhere in the text. */
  found(text: string): boolean
}

/** Characters that a pattern may have: it is compiled to about as many instructions, each of which may be looked at for each sign of a text. */
const PATTERN_CHARACTERS = 8 * 1024

/** @throws Error in a sentence that says what is wrong with the pattern */
export function linearPattern(source: string): LinearPattern {
  if (source.length > PATTERN_CHARACTERS) {
    throw new Error(`the pattern has ${source.length} characters, and ${PATTERN_CHARACTERS} are allowed`)
  }
  const compiled = RE2JS.compile(source)
  return { source, found: (text) => compiled.matcher(text).find() }
}
