import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { parseJson } from '../http/body.ts'
import type { WireReader } from './wire-reader.ts'

/** Reads the value of the field that the reader is at, as JSON. @throws RangeError, or what parsing JSON inside throws */
export type ReadValue = (field: WireReader) => unknown

/** Values that have no fields of their own; undefined for structs, lists and maps. */
export function scalarReader(node: SchemaNode): ReadValue | undefined {
  switch (node.scalar) {
    case 'quantity':
      return readText
    case 'int-or-string':
      return readIntOrString
    case 'time':
      return (field) => readTime(field, false)
    case 'micro-time':
      return (field) => readTime(field, true)
    case 'duration':
      return readDuration
    case undefined:
      break
  }
  switch (node.type) {
    case 'string':
      return node.format === 'byte' ? (field) => field.bytes().toString('base64') : (field) => field.text()
    case 'integer':
      return (field) => field.integer()
    case 'boolean':
      return (field) => field.integer() !== 0
    case 'number':
      return (field) => field.double()
    case 'any':
      return readRawJson
    default:
      return node.isOpen ? readRawJson : undefined
  }
}

/** Of a message that holds nothing else. */
function readText(field: WireReader): string {
  const message = field.message()
  let text = ''
  while (message.next()) if (message.number === 1) text = message.text()
  return text
}

function readIntOrString(field: WireReader): unknown {
  const message = field.message()
  let isText = false
  let integer = 0
  let text = ''
  while (message.next()) {
    if (message.number === 1) isText = message.integer() !== 0
    if (message.number === 2) integer = message.integer()
    if (message.number === 3) text = message.text()
  }
  return isText ? text : integer
}

function readTime(field: WireReader, isMicro: boolean): string | null {
  // A time that is not set travels as an empty message.
  if (field.length === 0) return null
  let seconds = 0
  let nanoseconds = 0
  const message = field.message()
  while (message.next()) {
    if (message.number === 1) seconds = message.integer()
    if (message.number === 2) nanoseconds = message.integer()
  }
  if (!isMicro) return timestamp(seconds * 1000)
  if (nanoseconds < 0 || nanoseconds > 999_999_999) throw new RangeError('a time has more than a second of nanoseconds')
  return `${timestamp(seconds * 1000).slice(0, -1)}.${String(Math.floor(nanoseconds / 1000)).padStart(6, '0')}Z`
}

/** In Go's notation; of all zeros, the one that Go writes. */
function readDuration(field: WireReader): string {
  const message = field.message()
  let nanoseconds = 0
  while (message.next()) if (message.number === 1) nanoseconds = message.integer()
  return nanoseconds === 0 ? '0s' : `${nanoseconds}ns`
}

/** JSON travels as the bytes of field 1, and is read like any other JSON. */
function readRawJson(field: WireReader): unknown {
  const text = readText(field)
  return text === '' ? null : parseJson(Buffer.from(text)).value
}
