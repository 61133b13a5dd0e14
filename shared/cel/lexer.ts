import { celLimits } from './limits.ts'
import { readText } from './literals.ts'
import type { Problem } from './source.ts'

export type Token =
  | { readonly kind: 'identifier' | 'punctuation' | 'int' | 'uint' | 'double'; readonly text: string; readonly offset: number }
  | { readonly kind: 'string'; readonly text: string; readonly value: string; readonly offset: number }
  | { readonly kind: 'bytes'; readonly text: string; readonly value: Uint8Array; readonly offset: number }
  | { readonly kind: 'end'; readonly text: '<EOF>'; readonly offset: number }

const space = /(?:[ \t\r\n\f]+|\/\/[^\n]*)+/y
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y
const double = /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y
const integer = /(?:0[xX][0-9a-fA-F]+|\d+)[uU]?/y
const textStart = /(?:[bB][rR]?|[rR][bB]?)?(?:"""|'''|"|')/y

/** What a token may be that begins with a sign: looking there first spares most of the patterns most of the time. */
const [BLANK, QUOTE, TEXT_LETTER, LETTER, DIGIT, SIGN] = [1, 2, 3, 4, 5, 6] as const
const kinds = new Uint8Array(128)
const mark = (signs: string, kind: number) => {
  for (const sign of signs) kinds[sign.charCodeAt(0)] = kind
}
mark(' \t\r\n\f', BLANK)
mark('"\'', QUOTE)
mark('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', LETTER)
mark('bBrR', TEXT_LETTER)
mark('0123456789', DIGIT)
mark('-+*/%!<>()[]{}.,:?&|=', SIGN)
const DOT = 0x2e
const SLASH = 0x2f
const EQUALS = 0x3d
/** Signs of two characters, by both codes; of one, by its code. */
const doubled: ReadonlyMap<number, string> = new Map(
  ['&&', '||', '==', '!=', '<=', '>='].map((sign) => [sign.charCodeAt(0) * 128 + sign.charCodeAt(1), sign]),
)
const single: readonly string[] = Object.assign([], Object.fromEntries([...'-+*/%!<>()[]{}.,:?'].map((sign) => [sign.charCodeAt(0), sign])))

/** The words and signs of an expression, with an `end` after the last. What is none is a problem, and left out. */
export function tokensOf(source: string): { tokens: Token[]; problems: Problem[] } {
  const tokens: Token[] = []
  const problems: Problem[] = []
  let offset = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset
    return pattern.exec(source)?.[0]
  }
  while (offset < source.length) {
    if (tokens.length === celLimits.tokens) {
      problems.push({ offset, message: `expression has more than ${celLimits.tokens} words and signs` })
      break
    }
    const code = source.charCodeAt(offset)
    const kind = code < 128 ? kinds[code] : 0
    if (kind === BLANK || (code === SLASH && source.charCodeAt(offset + 1) === SLASH)) {
      offset += match(space)!.length
      continue
    }
    const opening = kind === QUOTE || kind === TEXT_LETTER ? match(textStart) : undefined
    if (opening) {
      const read = readText(source, offset, opening)
      if ('problem' in read) note(problems, offset, read.problem)
      else
        tokens.push(
          typeof read.value === 'string'
            ? { kind: 'string', ...read, value: read.value, offset }
            : { kind: 'bytes', ...read, value: read.value, offset },
        )
      offset += read.text.length
      continue
    }
    const token: Token | undefined =
      kind === LETTER || kind === TEXT_LETTER
        ? { kind: 'identifier', text: match(identifier)!, offset }
        : ((kind === DIGIT || code === DOT ? numberAt(match, offset) : undefined) ?? (kind === SIGN ? signAt(source, offset) : undefined))
    if (token) tokens.push(token)
    else note(problems, offset, `Syntax error: token recognition error at: '${String.fromCodePoint(source.codePointAt(offset) ?? 0)}'`)
    offset += token ? token.text.length : (source.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
  }
  tokens.push({ kind: 'end', text: '<EOF>', offset: source.length })
  return { tokens, problems }
}

/** No more of them than are told. */
function note(problems: Problem[], offset: number, message: string): void {
  if (problems.length < celLimits.problems) problems.push({ offset, message })
}

function numberAt(match: (pattern: RegExp) => string | undefined, offset: number): Token | undefined {
  const number = match(double)
  if (number !== undefined) return { kind: 'double', text: number, offset }
  const whole = match(integer)
  return whole === undefined ? undefined : { kind: /u$/i.test(whole) ? 'uint' : 'int', text: whole, offset }
}

function signAt(source: string, offset: number): Token | undefined {
  const code = source.charCodeAt(offset)
  const next = source.charCodeAt(offset + 1)
  const text = next === code || next === EQUALS ? doubled.get(code * 128 + next) : undefined
  if (text !== undefined) return { kind: 'punctuation', text, offset }
  const one = single[code]
  return one === undefined ? undefined : { kind: 'punctuation', text: one, offset }
}
