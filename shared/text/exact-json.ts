import { isExact } from './exact-number.ts'

/** Digits of the shortest whole number that a double rounds. */
const MANY = 16
/** A number with so many, not a text: of digests and names many have as many digits in a row. */
const LONG = /(?:^|[:,[])\s*-?\d{16,}\s*(?:$|[,}\]])/

/**
 * Parses JSON with whole numbers of 64 bits: those that a double would round are BigInts, as objects of kinds that were defined at run time may
 * have them (Go reads such numbers as int64). Everything else is what JSON.parse makes of it.
 * @throws SyntaxError
 */
export function readExactJson(text: string): unknown {
  return hasManyDigits(text) && LONG.test(text) ? JSON.parse(text, exactly) : JSON.parse(text)
}

/** Whether so many digits are in a row. Nearly everything that is parsed is asked, so only the signs are looked at that one of them has to be. */
function hasManyDigits(text: string): boolean {
  for (let place = MANY - 1; place < text.length; place += MANY) {
    if (!isDigit(text, place)) continue
    let [from, to] = [place, place + 1]
    while (isDigit(text, from - 1)) from--
    while (isDigit(text, to)) to++
    if (to - from >= MANY) return true
  }
  return false
}

/** False also before the beginning and after the end: their code is NaN. */
function isDigit(text: string, place: number): boolean {
  const sign = text.charCodeAt(place)
  return sign >= 0x30 && sign <= 0x39
}

function exactly(_key: string, value: unknown, context?: { source?: string | undefined }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && isLongInteger(source) ? BigInt(source) : value
}

/** JSON text of plain data. Where BigInts may be, JSON.stringify alone throws: a number is never written rounded by mistake. */
export function writeExactJson(value: unknown, space?: number): string {
  try {
    return JSON.stringify(value, undefined, space)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return JSON.stringify(value, rawLong, space)
  }
}

/** ES2026, which the engine has and the compiler's library does not know yet. */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): object }

const rawLong = (_key: string, value: unknown) => (typeof value === 'bigint' ? rawJSON(value.toString()) : value)

const INTEGER = /^-?[1-9]\d{15,18}$/

/** Whether a number's text is a whole number of 64 bits that would be another one as a double, or when that is written. */
export function isLongInteger(text: string): boolean {
  if (!INTEGER.test(text) || isExact(text)) return false
  const value = BigInt(text)
  return BigInt.asIntN(64, value) === value
}
