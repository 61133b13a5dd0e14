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
const punctuation = /(?:&&|\|\||==|!=|<=|>=|[-+*/%!<>()[\]{}.,:?])/y

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
    const blank = match(space)
    if (blank) {
      offset += blank.length
      continue
    }
    const opening = match(textStart)
    if (opening) {
      const read = readText(source, offset, opening)
      if ('problem' in read) problems.push({ offset, message: read.problem })
      else
        tokens.push(
          typeof read.value === 'string'
            ? { kind: 'string', ...read, value: read.value, offset }
            : { kind: 'bytes', ...read, value: read.value, offset },
        )
      offset += read.text.length
      continue
    }
    const number = match(double)
    const whole = match(integer)
    const token: Token | undefined =
      number !== undefined
        ? { kind: 'double', text: number, offset }
        : whole !== undefined
          ? { kind: /u$/i.test(whole) ? 'uint' : 'int', text: whole, offset }
          : wordOf(match(identifier), match(punctuation), offset)
    if (token) tokens.push(token)
    else
      problems.push({
        offset,
        message: `Syntax error: token recognition error at: '${String.fromCodePoint(source.codePointAt(offset) ?? 0)}'`,
      })
    offset += token ? token.text.length : (source.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1
  }
  tokens.push({ kind: 'end', text: '<EOF>', offset: source.length })
  return { tokens, problems }
}

function wordOf(name: string | undefined, sign: string | undefined, offset: number): Token | undefined {
  if (name !== undefined) return { kind: 'identifier', text: name, offset }
  return sign === undefined ? undefined : { kind: 'punctuation', text: sign, offset }
}
