import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { canonicalQuantity } from '../../shared/quantity/quantity.ts'
import { microTimestamp, timestamp } from '../../shared/time/timestamp.ts'

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
    if (this.#wanted === undefined) return new TypeMismatch(`${this.#found} (field ${readable(path)})`)
    const field = path.filter((part) => !part.startsWith('[')).join('.')
    return new TypeMismatch(`json: cannot unmarshal ${this.#found} into Go struct field ${struct}.${field} of type ${this.#wanted}`)
  }
}

function readable(path: readonly string[]): string {
  return path.reduce((text, part) => (part.startsWith('[') || text === '' ? `${text}${part}` : `${text}.${part}`), '')
}

/** What Go's decoder calls a JSON value of the wrong type. */
export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value
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
  if (typeof value !== 'number') throw new TypeMismatch(jsonTypeOf(value), 'float64')
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
  return value
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

/** Milliseconds of an RFC 3339 text and its fraction's digits. */
function parseDateTime(text: unknown): { milliseconds: number; fraction: string } {
  if (typeof text !== 'string') throw new TypeMismatch(jsonTypeOf(text), 'string')
  const match = dateTime.exec(text)
  const milliseconds = match ? Date.parse(`${match[1]}Z`) : Number.NaN
  // Date.parse lets 30 February through; a day that is not there comes back as another one.
  if (!match || Number.isNaN(milliseconds) || !timestamp(milliseconds).startsWith(match[1]!)) {
    throw new TypeMismatch(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse it`)
  }
  const offset = match[3] === 'Z' ? 0 : Date.parse(`1970-01-01T00:00:00${match[3]}`)
  return { milliseconds: milliseconds + offset, fraction: match[2] ?? '' }
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
  if (!/^[-+]?(0|(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(value)) {
    throw new TypeMismatch(`time: invalid duration ${JSON.stringify(value)}`)
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
