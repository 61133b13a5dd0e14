import type { Value } from './value.ts'
import { UnsignedInt } from './value.ts'

export const MIN_INT = -(2n ** 63n)
export const MAX_INT = 2n ** 63n - 1n
export const MAX_UINT = 2n ** 64n - 1n

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['`', '`'],
  ['?', '?'],
])
const codeEscape = /(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y

/** The text or bytes that begin at `start` with these quotes. */
export function readText(
  source: string,
  start: number,
  opening: string,
): { text: string; value: string | Uint8Array } | { text: string; problem: string } {
  const quote = opening.replace(/^[a-zA-Z]+/, '')
  const prefix = opening.slice(0, opening.length - quote.length).toLowerCase()
  const isRaw = prefix.includes('r')
  const begin = start + opening.length
  const end = endOf(source, begin, quote, isRaw)
  if (end === undefined) {
    const lineEnd = source.indexOf('\n', start)
    const text = source.slice(start, quote.length === 3 || lineEnd < 0 ? undefined : lineEnd)
    return { text, problem: `Syntax error: token recognition error at: '${text.slice(0, 100)}'` }
  }
  const text = source.slice(start, end + quote.length)
  const inner = source.slice(begin, end)
  if (prefix.includes('b')) {
    const bytes = isRaw ? Buffer.from(inner) : unescapedBytes(inner)
    return bytes ? { text, value: new Uint8Array(bytes) } : { text, problem: 'Syntax error: invalid bytes literal' }
  }
  const value = isRaw ? inner : unescaped(inner, (code) => (isCharacter(code) ? String.fromCodePoint(code) : undefined))
  return value === undefined ? { text, problem: 'Syntax error: invalid string literal: unable to unescape string' } : { text, value }
}

function endOf(source: string, begin: number, quote: string, isRaw: boolean): number | undefined {
  for (let at = begin; at < source.length; at++) {
    const unit = source[at]
    if (source.startsWith(quote, at)) return at
    if (unit === '\\' && !isRaw) at++
    else if (quote.length === 1 && (unit === '\n' || unit === '\r')) return undefined
  }
  return undefined
}

/** Undefined for an escape that is none. */
function unescaped(inner: string, ofCode: (code: number, isByte: boolean) => string | undefined): string | undefined {
  if (!inner.includes('\\')) return inner
  const parts: string[] = []
  let from = 0
  for (let at = inner.indexOf('\\'); at >= 0; at = inner.indexOf('\\', from)) {
    parts.push(inner.slice(from, at))
    const simple = simpleEscapes.get(inner[at + 1] ?? '')
    if (simple !== undefined) {
      parts.push(simple)
      from = at + 2
      continue
    }
    codeEscape.lastIndex = at + 1
    const found = codeEscape.exec(inner)
    if (!found) return undefined
    const [all, hex, upper, short, long, octal] = found
    const code = octal !== undefined ? Number.parseInt(octal, 8) : Number.parseInt(hex ?? upper ?? short ?? long ?? '', 16)
    const written = ofCode(code, octal !== undefined || hex !== undefined || upper !== undefined)
    if (written === undefined) return undefined
    parts.push(written)
    from = at + 1 + all.length
  }
  parts.push(inner.slice(from))
  return parts.join('')
}

/** In bytes, `\x80` is a byte and everything else its UTF-8. Each byte is carried as one character. */
function unescapedBytes(inner: string): Buffer | undefined {
  const latin = (text: string) => Buffer.from(text).toString('latin1')
  // Only what is between escapes is UTF-8: both are brought to one character a byte.
  const carried = unescaped(latin(inner), (code, isByte) =>
    isByte ? String.fromCharCode(code) : isCharacter(code) ? latin(String.fromCodePoint(code)) : undefined,
  )
  return carried === undefined ? undefined : Buffer.from(carried, 'latin1')
}

function isCharacter(code: number): boolean {
  return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
}

/** The value of a number as written; undefined outside its 64 bits. */
export function readNumber(kind: 'int' | 'uint' | 'double', text: string, isNegative: boolean): Value | undefined {
  if (kind === 'double') {
    const value = Number(isNegative ? `-${text}` : text)
    return Number.isFinite(value) ? value : undefined
  }
  const amount = BigInt(text.replace(/u$/i, ''))
  if (kind === 'uint') return isNegative || amount > MAX_UINT ? undefined : new UnsignedInt(amount)
  const value = isNegative ? -amount : amount
  return value < MIN_INT || value > MAX_INT ? undefined : value
}
