import { inputLimits } from '../limits/input-limits.ts'

/** How a quantity was written, which decides how it is written back: `12Mi`, `12M`, `12e6`. */
export type QuantityFormat = 'BinarySI' | 'DecimalSI' | 'DecimalExponent'

/** An exact amount (CPU, bytes, counts). Immutable; the unit of `nano` is 10⁻⁹, the smallest the API knows. */
export interface Quantity {
  readonly nano: bigint
  readonly format: QuantityFormat
}

/** The text is no quantity; the message is the one upstream gives. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError'
}

const NANO = 10n ** 9n
/** Larger binary amounts are capped here, as upstream caps them. */
const LARGEST = (2n ** 63n - 1n) * NANO
const PATTERN = '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'
const parts = /^([+-]?)(\d*)(?:\.(\d*))?(.*)$/s

const decimalSuffixes: readonly (readonly [string, number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]
const decimalExponents = new Map(decimalSuffixes)
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
/** Beyond these no number that the API can hold is left, and 10ⁿ would only cost memory. */
const EXPONENT_LIMIT = 400

export const zero: Quantity = { nano: 0n, format: 'DecimalSI' }

/** A cluster has few different amounts, and the same ones are read again for every pod. */
const parsed = new Map<string, Quantity>()
const PARSED_LIMIT = 1_000
/** Longer texts are not what people write, and are not kept. */
const PARSED_LENGTH = 24

/** Reads a quantity: `500m`, `1.5Gi`, `12e6`. Amounts below 10⁻⁹ are rounded away from zero. @throws QuantityError */
export function parseQuantity(text: string): Quantity {
  const known = parsed.get(text)
  if (known) return known
  const quantity = readQuantity(text)
  if (text.length <= PARSED_LENGTH) {
    if (parsed.size >= PARSED_LIMIT) parsed.clear()
    parsed.set(text, quantity)
  }
  return quantity
}

function readQuantity(text: string): Quantity {
  if (text.length > inputLimits.quantityCharacters) {
    throw new QuantityError(`quantities must have at most ${inputLimits.quantityCharacters} characters`)
  }
  const match = parts.exec(text)
  if (!match || !/\d/.test(text) || !/^[eEinumkKMGTP]*[-+]?\d*$/.test(match[4]!)) {
    throw new QuantityError(`quantities must match the regular expression '${PATTERN}'`)
  }
  const [, sign, whole = '', fraction = '', suffix = ''] = match
  const digits = BigInt(`${whole}${fraction}` || '0')
  const { base, exponent, format } = readSuffix(suffix)
  if (digits === 0n) return { nano: 0n, format }
  let nano: bigint
  if (base === 2) {
    nano = dividedUp(digits * 2n ** BigInt(exponent) * NANO, 10n ** BigInt(fraction.length))
    if (nano > LARGEST) nano = LARGEST
  } else {
    const shift = exponent - fraction.length + 9
    if (shift > EXPONENT_LIMIT) throw new QuantityError('unable to parse numeric part of quantity')
    nano = shift >= 0 ? digits * 10n ** BigInt(shift) : dividedUp(digits, 10n ** BigInt(Math.min(-shift, text.length + EXPONENT_LIMIT)))
  }
  const small = format === 'BinarySI' && nano < NANO
  return { nano: sign === '-' ? -nano : nano, format: small ? 'DecimalSI' : format }
}

/** Canonical text: no fraction, the largest suffix that keeps the mantissa whole. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0'
  const binary = format === 'BinarySI' && nano % NANO === 0n && (nano >= 1024n * NANO || nano <= -1024n * NANO)
  if (binary) {
    let mantissa = nano / NANO
    let power = 0
    while (mantissa % 1024n === 0n && power < binarySuffixes.length - 1) {
      mantissa /= 1024n
      power++
    }
    return `${mantissa}${binarySuffixes[power]}`
  }
  let mantissa = nano
  let exponent = -9
  const highest = format === 'DecimalExponent' ? EXPONENT_LIMIT : 18
  while (mantissa % 1000n === 0n && exponent < highest) {
    mantissa /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`
  return `${mantissa}${decimalSuffixes.find(([, value]) => value === exponent)![0]}`
}

/** Up to three digits are canonical with nearly any suffix (`Ei` may be capped), and most quantities look like that. */
const plainlyCanonical = /^[1-9]\d{0,2}(?:[mkMGTPE]|[KMGTP]i)?$/

/** The text as the server stores it. @throws QuantityError */
export function canonicalQuantity(text: string): string {
  return plainlyCanonical.test(text) ? text : formatQuantity(parseQuantity(text))
}

/** Negative, zero or positive, for sorting. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0
}

/** The sum, in the format of `a` unless that is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format }
}

/** The difference, in the format of `a` unless that is zero. */
export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format }
}

/** A whole number of units, rounded away from zero (bytes, counts). Exact up to 2⁵³. */
export function quantityValue(quantity: Quantity): number {
  return Number(roundedAway(quantity.nano, NANO))
}

/** Thousandths, rounded away from zero (millicores). Exact up to 2⁵³. */
export function quantityMilliValue(quantity: Quantity): number {
  return Number(roundedAway(quantity.nano, 10n ** 6n))
}

/** Makes a quantity of a whole number of thousandths (`250` → `250m`). */
export function quantityFromMilli(milli: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(milli) * 10n ** 6n, format }
}

/** Makes a quantity of a whole number of units. */
export function quantityFromValue(value: number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(value) * NANO, format }
}

function readSuffix(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = decimalExponents.get(suffix)
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' }
  const binary = binarySuffixes.indexOf(suffix)
  if (binary > 0) return { base: 2, exponent: binary * 10, format: 'BinarySI' }
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)
  if (!exponent) throw new QuantityError("unable to parse quantity's suffix")
  return { base: 10, exponent: Number(exponent[1]), format: 'DecimalExponent' }
}

function dividedUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by
}

function roundedAway(nano: bigint, unit: bigint): bigint {
  return nano >= 0n ? dividedUp(nano, unit) : -dividedUp(-nano, unit)
}
