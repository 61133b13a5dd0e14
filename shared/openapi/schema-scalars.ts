import { quoted, shortened } from '../errors/quoted.ts'
import { inputLimits } from '../limits/input-limits.ts'
import { canonicalQuantity } from '../quantity/quantity.ts'
import { isWritableTime, microTimestamp, timestamp } from '../time/timestamp.ts'
import type { SchemaNode } from './schema.ts'

/** Checks and canonicalises one value that is not null. @throws TypeMismatch */
export type ScalarDecoder = (value: unknown) => unknown

/** A value of the wrong JSON type, or whose text is malformed; says what upstream's decoder says, and where. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch'
  readonly #found: string
  readonly #wanted: string | undefined

  /** With `wanted` undefined, `found` is the whole sentence. */
  constructor(found: string, wanted?: string | undefined) {
    super(wanted === undefined ? found : `json: cannot unmarshal ${found} into Go value of type ${wanted}`)
    this.#found = found
    this.#wanted = wanted
  }

  /** The same problem, with the field it was met in. */
  at(struct: string, path: readonly string[]): TypeMismatch {
    if (this.#wanted === undefined) return new TypeMismatch(`${this.#found} (field ${pathText(path)})`)
    const field = pathText(path.filter((part) => !part.startsWith('[')))
    return new TypeMismatch(`json: cannot unmarshal ${this.#found} into Go struct field ${struct}.${field} of type ${this.#wanted}`)
  }
}

/** `spec.containers[0].image`; of a long key only the beginning. */
export function pathText(path: readonly string[]): string {
  let text = ''
  for (const part of path)
    text += part.startsWith('[') || text === '' ? shortened(part, KEY_CHARACTERS) : `.${shortened(part, KEY_CHARACTERS)}`
  return shortened(text)
}

/** Longer keys are nobody's, and a path is repeated for everything below it. */
const KEY_CHARACTERS = 300

/** What Go's decoder calls a JSON value of the wrong type. */
export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'bigint' ? 'number' : typeof value
}

/** The decoder of a scalar node. */
export function decodeScalar(node: SchemaNode): ScalarDecoder {
  switch (node.scalar) {
    case 'quantity':
      return decodeQuantity
    case 'int-or-string':
      return decodeIntOrString
    case 'time':
      return decodeTime
    case 'micro-time':
      return decodeMicroTime
    case 'duration':
      return decodeDuration
    case undefined:
      break
  }
  switch (node.type) {
    case 'integer':
      return node.format === 'int32' ? decodeInt32 : decodeInt64
    case 'number':
      return decodeNumber
    case 'boolean':
      return decodeBoolean
    default:
      return node.format === 'byte' ? decodeBytes : decodeString
  }
}

export function decodeString(value: unknown): string {
  if (typeof value !== 'string') throw new TypeMismatch(jsonTypeOf(value), 'string')
  return value
}

function decodeBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeMismatch(jsonTypeOf(value), 'bool')
  return value
}

function decodeNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeMismatch(jsonTypeOf(value), 'float64')
  return value
}

function decodeInt32(value: unknown): number {
  if (typeof value !== 'number') throw new TypeMismatch(jsonTypeOf(value), 'int32')
  if ((value | 0) !== value) throw new TypeMismatch(`number ${value}`, 'int32')
  return value
}

function decodeInt64(value: unknown): number {
  if (typeof value !== 'number') throw new TypeMismatch(jsonTypeOf(value), 'int64')
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63) throw new TypeMismatch(`number ${value}`, 'int64')
  if (!Number.isSafeInteger(value)) throw new TypeMismatch(`the number ${value} is beyond ±(2^53-1) and would not be kept exactly`)
  return value
}

/** Seconds that become a point in time, which must be one that can be written. */
export function decodeSeconds(value: unknown): number {
  const seconds = decodeInt64(value)
  if (Math.abs(seconds) > inputLimits.seconds) throw new TypeMismatch(`${seconds} seconds are more than ${inputLimits.seconds}`)
  return seconds
}

function decodeIntOrString(value: unknown): number | string {
  return typeof value === 'string' ? value : decodeInt32(value)
}

function decodeQuantity(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw new TypeMismatch(jsonTypeOf(value), 'resource.Quantity')
  try {
    return canonicalQuantity(`${value}`)
  } catch (error) {
    throw new TypeMismatch((error as Error).message)
  }
}

const dateTime = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** Nine digits of a fraction and an offset fit; longer texts are no times. */
const LONGEST_TIME = 64

/** Milliseconds of an RFC 3339 text and its fraction's digits. */
function parseDateTime(text: unknown): { milliseconds: number; fraction: string } {
  if (typeof text !== 'string') throw new TypeMismatch(jsonTypeOf(text), 'string')
  const match = text.length <= LONGEST_TIME ? dateTime.exec(text) : null
  const milliseconds = match ? Date.parse(`${match[1]}Z`) : Number.NaN
  // Date.parse lets 30 February through; a day that is not there comes back as another one.
  if (!match || Number.isNaN(milliseconds) || !timestamp(milliseconds).startsWith(match[1]!)) {
    throw new TypeMismatch(`parsing time ${quoted(text)} as "2006-01-02T15:04:05Z07:00": cannot parse it`)
  }
  const offset = match[3] === 'Z' ? 0 : Date.parse(`1970-01-01T00:00:00${match[3]}`)
  const moment = milliseconds + offset
  if (Number.isNaN(moment) || !isWritableTime(moment)) {
    throw new TypeMismatch(`parsing time ${quoted(text)}: in UTC it lies outside the years 0 to 9999`)
  }
  return { milliseconds: moment, fraction: match[2] ?? '' }
}

function decodeTime(value: unknown): string {
  return timestamp(parseDateTime(value).milliseconds)
}

function decodeMicroTime(value: unknown): string {
  const { milliseconds, fraction } = parseDateTime(value)
  return microTimestamp(milliseconds).replace(/\.\d{6}Z$/, `.${fraction.slice(1, 7).padEnd(6, '0')}Z`)
}

function decodeDuration(value: unknown): string {
  if (typeof value !== 'string') throw new TypeMismatch(jsonTypeOf(value), 'string')
  if (value.length > LONGEST_TIME || !/^[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)$/.test(value)) {
    throw new TypeMismatch(`time: invalid duration ${quoted(value)}`)
  }
  return value
}

function decodeBytes(value: unknown): string {
  if (typeof value !== 'string') throw new TypeMismatch(jsonTypeOf(value), '[]uint8')
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value
  const good = /^[A-Za-z0-9+/]*={0,2}$/.exec(text)
  if (!good || text.length % 4 !== 0) {
    const bad = /[^A-Za-z0-9+/]/.exec(text)?.index ?? text.length - (text.length % 4)
    throw new TypeMismatch(`illegal base64 data at input byte ${bad}`)
  }
  return text
}
