/**
 * Reads bodies in Kubernetes' protobuf encoding, which Go clients of built-in kinds send. The schema says what a field is, the generated field
 * numbers say which; unknown numbers are skipped, as protobuf wants: there is no strict reading of it, upstream has none either.
 */
import { StatusError } from '../../shared/errors/status-error.ts'
import { setOwn } from '../../shared/objects/own.ts'
import { definition } from '../../shared/openapi/document.ts'
import { definitionNameOf } from '../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { CHOSEN_SCHEMA } from '../../shared/openapi/schema-choices.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { parseJson } from '../http/body.ts'
import { MAGIC, type Typed } from './encode-protobuf.ts'
import { readChosen } from './wire-choices.ts'
import { type WireField, type WireFields, wireFieldsOf } from './wire-fields.ts'
import { WireReader } from './wire-reader.ts'

type JsonObject = Record<string, unknown>

/** @param expected what a body is that does not say it. @throws StatusError BadRequest */
export function parseProtobuf(bytes: Buffer, expected?: Typed): unknown {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw unreadable('it does not begin with the magic number of Kubernetes')
  try {
    let apiVersion = ''
    let kind = ''
    let raw = new WireReader(Buffer.alloc(0))
    for (const field of new WireReader(bytes.subarray(4))) {
      if (field.number === 2) raw = field.message()
      if (field.number !== 1) continue
      for (const part of field.message()) {
        if (part.number === 1) apiVersion = part.text()
        if (part.number === 2) kind = part.text()
      }
    }
    apiVersion ||= expected?.apiVersion ?? ''
    kind ||= expected?.kind ?? ''
    const name = definitionNameOf(apiVersion, kind)
    if (name === undefined || !definition(name)) {
      throw unreadable(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
    }
    return { ...readStruct(raw, name), apiVersion, kind }
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw unreadable(error instanceof Error ? error.message : String(error), error)
  }
}

function unreadable(reason: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `the object provided is unrecognized: ${reason}`, { cause })
}

function readStruct(message: WireReader, name: string): JsonObject {
  const object: JsonObject = {}
  readInto(object, message, wireFieldsOf(name))
  return object
}

function readInto(object: JsonObject, message: WireReader, known: WireFields): void {
  for (const field of message) {
    const slot = known.get(field.number)
    if (slot === undefined) continue
    if (slot instanceof Map) readInto(object, field.message(), slot)
    else readField(object, slot as WireField, field)
  }
}

function readField(object: JsonObject, { name, node, wrapped }: WireField, field: WireReader): void {
  if (wrapped) object[name] = readWrapped(node, field)
  else if (node.type === 'array') {
    const list = (object[name] ??= []) as unknown[]
    for (const item of readItems(node.items!, field)) list.push(item)
  } else if (node.type === 'map') {
    const map = (object[name] ??= {}) as JsonObject
    let key = ''
    let value = emptyOf(node.values!)
    for (const part of field.message()) {
      if (part.number === 1) key = part.text()
      if (part.number === 2) value = readWrapped(node.values!, part)
    }
    setOwn(map, key, value)
  } else object[name] = readValue(node, field)
}

/** Go encodes a named list that is a map's value, or that may be nil, as a message with the items as field 1. */
function readWrapped(node: SchemaNode, field: WireReader): unknown {
  if (node.type !== 'array') return readValue(node, field)
  const items: unknown[] = []
  for (const part of field.message()) if (part.number === 1) for (const item of readItems(node.items!, part)) items.push(item)
  return items
}

function emptyOf(node: SchemaNode): unknown {
  if (node.scalar === 'quantity') return '0'
  if (node.type === 'array') return []
  return node.type === 'string' ? '' : node.emptyValue()
}

function readItems(node: SchemaNode, field: WireReader): unknown[] {
  const isNumber = node.type === 'integer' || node.type === 'boolean'
  // Numbers may come packed: many of them in one piece of bytes.
  if (isNumber && field.isBytes) return field.packed().map((value) => (node.type === 'boolean' ? value !== 0 : value))
  return [readValue(node, field)]
}

function readValue(node: SchemaNode, field: WireReader): unknown {
  const chosen = readChosen(
    node.ref,
    () => field.message(),
    (message) => readStruct(message, CHOSEN_SCHEMA),
  )
  if (chosen !== undefined) return chosen
  switch (node.scalar) {
    case 'quantity':
      return textIn(field.message(), 1)
    case 'int-or-string':
      return readIntOrString(field.message())
    case 'time':
    case 'micro-time':
      return readTime(field, node.scalar === 'micro-time')
    case 'duration':
      return readDuration(numberIn(field.message(), 1))
    case undefined:
      break
  }
  switch (node.type) {
    case 'string':
      return node.format === 'byte' ? field.bytes().toString('base64') : field.text()
    case 'integer':
      return field.integer()
    case 'boolean':
      return field.integer() !== 0
    case 'number':
      return field.double()
    case 'object':
      if (!node.isOpen && node.ref) return readStruct(field.message(), node.ref)
      return rawJson(textIn(field.message(), 1))
    default:
      // Raw JSON travels as the bytes of field 1.
      return rawJson(textIn(field.message(), 1))
  }
}

function readIntOrString(message: WireReader): unknown {
  let isText = false
  let integer = 0
  let text = ''
  for (const field of message) {
    if (field.number === 1) isText = field.integer() !== 0
    if (field.number === 2) integer = field.integer()
    if (field.number === 3) text = field.text()
  }
  return isText ? text : integer
}

function readTime(field: WireReader, isMicro: boolean): string | null {
  // A time that is not set travels as an empty message.
  if (field.bytes().length === 0) return null
  let seconds = 0
  let nanoseconds = 0
  for (const part of field.message()) {
    if (part.number === 1) seconds = part.integer()
    if (part.number === 2) nanoseconds = part.integer()
  }
  if (!isMicro) return timestamp(seconds * 1000)
  if (nanoseconds < 0 || nanoseconds > 999_999_999) throw new RangeError('a time has more than a second of nanoseconds')
  return `${timestamp(seconds * 1000).slice(0, -1)}.${String(Math.floor(nanoseconds / 1000)).padStart(6, '0')}Z`
}

/** In Go's notation; of all zeros, the one that Go writes. */
function readDuration(nanoseconds: number): string {
  return nanoseconds === 0 ? '0s' : `${nanoseconds}ns`
}

/** JSON as text inside protobuf is read like any other JSON. */
function rawJson(text: string): unknown {
  return text === '' ? null : parseJson(Buffer.from(text)).value
}

function textIn(message: WireReader, number: number): string {
  let text = ''
  for (const field of message) if (field.number === number) text = field.text()
  return text
}

function numberIn(message: WireReader, number: number): number {
  let value = 0
  for (const field of message) if (field.number === number) value = field.integer()
  return value
}
