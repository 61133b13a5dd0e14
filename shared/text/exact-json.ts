import { isExact } from './exact-number.ts'

/** No number that is rounded is shorter; texts that have so many digits in a row are read the slow way for nothing. */
const MANY_DIGITS = /\d{16}/

/**
 * Parses JSON with whole numbers of 64 bits: those that a double would round are BigInts, as objects of kinds that were defined at run time may
 * have them (Go reads such numbers as int64). Everything else is what JSON.parse makes of it.
 * @throws SyntaxError
 */
export function readExactJson(text: string): unknown {
  return MANY_DIGITS.test(text) ? JSON.parse(text, exactly) : JSON.parse(text)
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
