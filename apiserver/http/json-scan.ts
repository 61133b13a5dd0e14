import { inputLimits } from '../../shared/limits/input-limits.ts'
import { isLongInteger } from '../../shared/text/exact-json.ts'
import { isExact } from '../../shared/text/exact-number.ts'

/** What a cheap look at JSON text tells before and after it is parsed. */
export interface JsonShape {
  /** How many object members the text has: its colons outside strings. */
  readonly members: number
  /** How deep it nests. */
  readonly depth: number
  /** At least as many as the text has values: its commas and opening brackets outside strings, and one. */
  readonly values: number
  /** The first number that would not be kept exactly, not even as a whole number of 64 bits. */
  readonly inexact: string | undefined
  /** The first whole number of 64 bits that a double would round. */
  readonly long: string | undefined
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const MINUS = 0x2d
/** Every number of up to so many signs and without an exponent is exact. */
const PLAIN_DIGITS = 15

/** Counts members and depth in one pass over the text; meaningful only for text that then parses. */
export function jsonShape(text: string): JsonShape {
  let members = 0
  let depth = 0
  let deepest = 0
  let values = 1
  let inexact: string | undefined
  let long: string | undefined
  for (let index = 0; index < text.length; index++) {
    const sign = text.charCodeAt(index)
    switch (sign) {
      case QUOTE:
        index = endOfString(text, index)
        break
      case COLON:
        members++
        break
      case COMMA:
        values++
        break
      case 0x7b:
      case 0x5b:
        values++
        if (++depth > deepest) deepest = depth
        break
      case 0x7d:
      case 0x5d:
        depth--
        break
      default:
        if (isDigit(sign) || sign === MINUS) {
          const end = endOfNumber(text, index)
          if (inexact === undefined && isDoubtful(text, index, end)) {
            const number = text.slice(index, end)
            if (isLongInteger(number)) long ??= number
            else if (!isExact(number)) inexact = number
          }
          index = end - 1
        }
    }
  }
  return { members, depth: deepest, values, inexact, long }
}

function isDigit(sign: number): boolean {
  return sign >= 0x30 && sign <= 0x39
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  for (; end < text.length; end++) {
    const sign = text.charCodeAt(end)
    // Digits, and `.`, `e`, `E`, `+`, `-`.
    if (!isDigit(sign) && sign !== 0x2e && sign !== 0x65 && sign !== 0x45 && sign !== 0x2b && sign !== MINUS) break
  }
  return end
}

function isDoubtful(text: string, start: number, end: number): boolean {
  if (end - start > PLAIN_DIGITS) return true
  for (let index = start; index < end; index++) if ((text.charCodeAt(index) | 0x20) === 0x65) return true
  return false
}

/** How many members the parsed value has; fewer than the text had means that a key came twice. */
export function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item)
    return members
  }
  for (const key in value) members += 1 + countMembers((value as Record<string, unknown>)[key])
  return members
}

/** Longer paths are not read by anybody, and a long key above many doubled ones would be repeated for each. */
const PATH_CHARACTERS = 512

/** Paths of keys that an object of the text has more than once, in the order met; at most `inputLimits.problems`. The text must parse. */
export function duplicatePaths(text: string): string[] {
  const found: string[] = []
  let index = 0
  walk('')
  return found

  function skipBlank(): void {
    for (; index < text.length; index++) {
      const sign = text.charCodeAt(index)
      if (sign > 0x20 && sign !== COMMA && sign !== COLON) return
    }
  }

  function walk(path: string): void {
    skipBlank()
    const start = text[index]
    if (start === '{') walkObject(path)
    else if (start === '[') walkArray(path)
    else if (start === '"') index = endOfString(text, index) + 1
    else while (index < text.length && !isEnd(text.charCodeAt(index))) index++
  }

  function walkObject(path: string): void {
    const seen = new Set<string>()
    index++
    for (skipBlank(); text[index] !== '}'; skipBlank()) {
      const end = endOfString(text, index)
      const key: string = JSON.parse(text.slice(index, end + 1))
      const place = below(path, path === '' ? key : `.${key}`)
      if (seen.has(key) && found.length < inputLimits.problems) found.push(place)
      seen.add(key)
      index = end + 1
      walk(place)
    }
    index++
  }

  function walkArray(path: string): void {
    index++
    let position = 0
    for (skipBlank(); text[index] !== ']'; skipBlank()) walk(below(path, `[${position++}]`))
    index++
  }
}

function below(path: string, part: string): string {
  return path.length + part.length > PATH_CHARACTERS ? `${path}${part}`.slice(0, PATH_CHARACTERS) : `${path}${part}`
}

/** White space, `,`, `]` or `}`. */
function isEnd(sign: number): boolean {
  return sign <= 0x20 || sign === COMMA || sign === 0x5d || sign === 0x7d
}

/** The position of the quote that ends the string which starts at `start`. */
function endOfString(text: string, start: number): number {
  let index = start
  for (;;) {
    index = text.indexOf('"', index + 1)
    if (index < 0) return text.length
    let slashes = 0
    while (text.charCodeAt(index - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return index
  }
}
