import type { Scalar, SchemaNode } from '../../shared/openapi/schema.ts'
import { parseGoDuration } from '../../shared/schedules/go-duration.ts'
import { writeExactJson } from '../../shared/text/exact-json.ts'
import type { BackWriter } from './back-writer.ts'
import { BYTES, FIXED64, tagOf, VARINT } from './wire-types.ts'

/** Writes a value as Go would, where it is of wire type `BYTES` with its length; what is undefined or null is Go's zero. */
export type WriteValue = (out: BackWriter, value: unknown) => void

/** A value of a field, and how it is laid out. */
export interface WireValue {
  readonly type: number
  readonly write: WriteValue
}

/** Values that have no fields of their own; undefined for structs, lists and maps. */
export function scalarValue(node: SchemaNode): WireValue | undefined {
  if (node.scalar !== undefined) return { type: BYTES, write: scalars[node.scalar] }
  switch (node.type) {
    case 'string':
      return { type: BYTES, write: node.format === 'byte' ? writeBytes : writeText }
    case 'integer':
      return { type: VARINT, write: writeInteger }
    case 'boolean':
      return { type: VARINT, write: (out, value) => out.byte(value === true ? 1 : 0) }
    case 'number':
      return { type: FIXED64, write: (out, value) => out.double(numberOf(value)) }
    case 'any':
      return { type: BYTES, write: writeRawJson }
    default:
      return node.isOpen ? { type: BYTES, write: writeRawJson } : undefined
  }
}

const scalars: Readonly<Record<Scalar, WriteValue>> = {
  quantity(out, value) {
    const before = out.size
    out.text(value === undefined || value === null ? '0' : textOf(value))
    out.byte(tagOf(1, BYTES))
    out.lengthSince(before)
  },
  'int-or-string'(out, value) {
    const before = out.size
    const isText = typeof value === 'string'
    out.text(isText ? value : '')
    out.byte(tagOf(3, BYTES))
    out.varint(isText ? 0 : numberOf(value))
    out.byte(tagOf(2, VARINT))
    out.byte(isText ? 1 : 0)
    out.byte(tagOf(1, VARINT))
    out.lengthSince(before)
  },
  time: (out, value) => writeMoment(out, value, false),
  'micro-time': (out, value) => writeMoment(out, value, true),
  duration(out, value) {
    const before = out.size
    out.varint(value === undefined || value === null ? 0 : nanosecondsIn(textOf(value)))
    out.byte(tagOf(1, VARINT))
    out.lengthSince(before)
  },
}

/** Nanoseconds by the name are exact, milliseconds with a fraction are not always. */
function nanosecondsIn(duration: string): number {
  return /^-?\d{1,16}ns$/.test(duration) ? Number(duration.slice(0, -2)) : Math.round(parseGoDuration(duration) * 1_000_000)
}

/** A time that is not set travels as an empty message. */
function writeMoment(out: BackWriter, value: unknown, isMicro: boolean): void {
  if (value === undefined || value === null) return out.byte(0)
  const text = textOf(value)
  const milliseconds = Date.parse(text)
  if (Number.isNaN(milliseconds)) throw new TypeError(`${text} is no time`)
  const before = out.size
  out.varint(isMicro ? fractionOf(text) : 0)
  out.byte(tagOf(2, VARINT))
  out.varint(Math.floor(milliseconds / 1000))
  out.byte(tagOf(1, VARINT))
  out.lengthSince(before)
}

/** Of the fraction of a second; a date knows milliseconds only. */
function fractionOf(text: string): number {
  const fraction = /\.(\d{1,6})/.exec(text)?.[1] ?? ''
  return Number(fraction.padEnd(6, '0')) * 1000
}

/** JSON travels as the text of field 1; none of it as an empty message. */
function writeRawJson(out: BackWriter, value: unknown): void {
  if (value === undefined || value === null) return out.byte(0)
  const before = out.size
  out.text(writeExactJson(value))
  out.byte(tagOf(1, BYTES))
  out.lengthSince(before)
}

function writeText(out: BackWriter, value: unknown): void {
  if (value === undefined || value === null) out.byte(0)
  else out.text(textOf(value))
}

function writeBytes(out: BackWriter, value: unknown): void {
  if (value === undefined || value === null) out.byte(0)
  else out.bytes(Buffer.from(textOf(value), 'base64'))
}

function writeInteger(out: BackWriter, value: unknown): void {
  out.varint(numberOf(value))
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`a ${typeof value} stands where a text belongs`)
  return value
}

function numberOf(value: unknown): number {
  if (value === undefined || value === null) return 0
  if (typeof value !== 'number') throw new TypeError(`a ${typeof value} stands where a number belongs`)
  return value
}
