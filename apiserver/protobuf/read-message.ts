import { setOwn } from '../../shared/objects/own.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { CHOSEN_SCHEMA } from '../../shared/openapi/schema-choices.ts'
import { type ReadValue, scalarReader } from './read-values.ts'
import { chosenReader } from './wire-choices.ts'
import { type WireField, type WireFields, wireFieldsOf } from './wire-fields.ts'
import type { WireReader } from './wire-reader.ts'

type JsonObject = Record<string, unknown>
/** Reads the field that the reader is at into the object it belongs to. */
type ReadField = (object: JsonObject, field: WireReader) => void
/** By number; nothing where no field has it. */
type ReadFields = readonly (ReadField | undefined)[]
export type ReadMessage = (message: WireReader) => JsonObject

const known = new Map<string, ReadMessage>()

/** Reads messages of a definition as the JSON that a client would have sent. Unknown numbers are skipped. Compiled once a definition. */
export function messageReader(name: string): ReadMessage {
  const found = known.get(name)
  if (found) return found
  // Made when first used: definitions may refer to themselves.
  let fields: ReadFields | undefined
  const read: ReadMessage = (message) => {
    fields ??= compileFields(wireFieldsOf(name))
    const object: JsonObject = {}
    readInto(object, message, fields)
    return object
  }
  known.set(name, read)
  return read
}

function readInto(object: JsonObject, message: WireReader, fields: ReadFields): void {
  while (message.next()) fields[message.number]?.(object, message)
}

function compileFields(fields: WireFields): ReadFields {
  const compiled: ReadField[] = []
  for (const [number, field] of fields) {
    compiled[number] = field instanceof Map ? compileEmbedded(field) : compileField(field as WireField)
  }
  return compiled
}

function compileEmbedded(inner: WireFields): ReadField {
  const fields = compileFields(inner)
  return (object, field) => readInto(object, field.message(), fields)
}

function compileField({ name, node, wrapped }: WireField): ReadField {
  if (node.type === 'map') return compileMap(name, node.values!)
  if (node.type === 'array' && !wrapped) {
    const read = itemsReader(node.items!)
    return (object, field) => read((object[name] ??= []) as unknown[], field)
  }
  const read = valueReader(node)
  return (object, field) => {
    object[name] = read(field)
  }
}

function compileMap(name: string, values: SchemaNode): ReadField {
  const read = valueReader(values)
  return (object, field) => {
    const entry = field.message()
    let key = ''
    let value: unknown
    while (entry.next()) {
      if (entry.number === 1) key = entry.text()
      if (entry.number === 2) value = read(entry)
    }
    setOwn((object[name] ??= {}) as JsonObject, key, value === undefined ? emptyOf(values) : value)
  }
}

/** What an entry without a value has. */
function emptyOf(node: SchemaNode): unknown {
  if (node.type === 'array') return []
  return node.scalar === undefined && node.type === 'string' ? '' : node.emptyValue()
}

/** Any value of a schema; a list here is one that stands in a message of its own. */
function valueReader(node: SchemaNode): ReadValue {
  const chosen = chosenReader(node.ref, messageReader(CHOSEN_SCHEMA))
  if (chosen) return chosen
  const scalar = scalarReader(node)
  if (scalar) return scalar
  if (node.type === 'array') return wrappedReader(node.items!)
  if (node.ref === undefined) throw new Error(`a ${node.type} has no protobuf form`)
  const read = messageReader(node.ref)
  return (field) => read(field.message())
}

/** Go encodes a named list that is a map's value, or that may be nil, as a message with the items as field 1. */
function wrappedReader(itemNode: SchemaNode): ReadValue {
  const read = itemsReader(itemNode)
  return (field) => {
    const items: unknown[] = []
    const message = field.message()
    while (message.next()) if (message.number === 1) read(items, message)
    return items
  }
}

function itemsReader(node: SchemaNode): (list: unknown[], field: WireReader) => void {
  const read = valueReader(node)
  const isBoolean = node.type === 'boolean'
  const isNumber = node.scalar === undefined && (node.type === 'integer' || isBoolean)
  return (list, field) => {
    if (!isNumber || !field.isBytes) list.push(read(field))
    // Numbers may come packed: many of them in one piece of bytes.
    else for (const value of field.packed()) list.push(isBoolean ? value !== 0 : value)
  }
}
