import type { SchemaNode } from '../../shared/openapi/schema.ts'
import type { BackWriter } from './back-writer.ts'
import { chosenValue } from './wire-choices.ts'
import { type WireField, type WireFields, wireFieldsOf } from './wire-fields.ts'
import { BYTES, tagOf } from './wire-types.ts'
import { scalarValue, type WireValue, type WriteValue } from './write-values.ts'

type JsonObject = Readonly<Record<string, unknown>>
/** Writes one field of an object, or nothing where Go writes none. */
type WriteField = (out: BackWriter, object: JsonObject) => void

const known = new Map<string, WriteValue>()
const nothing: JsonObject = {}

/**
 * Writes objects of a definition as the code that gogo generates for Go does: fields by their numbers; what is held by value always, what is
 * held by a pointer where it is set; maps sorted by the bytes of their keys. Without the length. Compiled once a definition.
 */
export function messageWriter(name: string): WriteValue {
  const found = known.get(name)
  if (found) return found
  // Made when first used: definitions may refer to themselves.
  let fields: readonly WriteField[] | undefined
  const write: WriteValue = (out, value) => {
    fields ??= compileFields(wireFieldsOf(name))
    writeFields(out, fields, objectOf(value))
  }
  known.set(name, write)
  return write
}

/** The last number first: that is the order in which a `BackWriter` is written. */
function compileFields(fields: WireFields): readonly WriteField[] {
  const order = [...fields].sort(([a], [b]) => b - a)
  return order.map(([number, field]) => (field instanceof Map ? compileEmbedded(number, field) : compileField(number, field as WireField)))
}

function writeFields(out: BackWriter, fields: readonly WriteField[], object: JsonObject): void {
  for (let index = 0; index < fields.length; index++) fields[index]!(out, object)
}

function compileEmbedded(number: number, inner: WireFields): WriteField {
  const fields = compileFields(inner)
  const tag = tagOf(number, BYTES)
  return (out, object) => {
    const before = out.size
    writeFields(out, fields, object)
    out.lengthSince(before)
    out.varint(tag)
  }
}

function compileField(number: number, { name, node, wrapped }: WireField): WriteField {
  if (node.type === 'map') return compileMap(number, name, node.values!)
  if (node.type === 'array' && !wrapped) {
    const { write, type } = wireValueOf(node.items!)
    const tag = tagOf(number, type)
    return (out, object) => {
      const list = object[name]
      if (list !== undefined && list !== null) writeItems(out, listOf(list), write, tag)
    }
  }
  const { write, type } = wireValueOf(node)
  const tag = tagOf(number, type)
  // Bytes and lists with names of their own are told apart from none without a pointer.
  const mayBeAbsent = node.isPointer || wrapped || node.format === 'byte'
  return (out, object) => {
    const value = object[name]
    if (mayBeAbsent && (value === undefined || value === null)) return
    write(out, value)
    out.varint(tag)
  }
}

function writeItems(out: BackWriter, list: readonly unknown[], write: WriteValue, tag: number): void {
  for (let index = list.length - 1; index >= 0; index--) {
    write(out, list[index])
    out.varint(tag)
  }
}

function compileMap(number: number, name: string, values: SchemaNode): WriteField {
  const { write, type } = wireValueOf(values)
  const tag = tagOf(number, BYTES)
  const keyTag = tagOf(1, BYTES)
  const valueTag = tagOf(2, type)
  return (out, object) => {
    const given = object[name]
    if (given === undefined || given === null) return
    const map = objectOf(given)
    const keys = sortedKeys(map)
    for (let index = keys.length - 1; index >= 0; index--) {
      const key = keys[index]!
      const before = out.size
      write(out, map[key])
      out.byte(valueTag)
      out.text(key)
      out.byte(keyTag)
      out.lengthSince(before)
      out.varint(tag)
    }
  }
}

/** Any value of a schema; a list here is one that stands in a message of its own. */
function wireValueOf(node: SchemaNode): WireValue {
  const chosen = chosenValue(node.ref, messageWriter)
  if (chosen) return { type: BYTES, write: withLength(chosen) }
  const scalar = scalarValue(node)
  if (scalar) return scalar
  if (node.type === 'array') {
    const { write, type } = wireValueOf(node.items!)
    const tag = tagOf(1, type)
    return { type: BYTES, write: withLength((out, value) => writeItems(out, listOf(value ?? []), write, tag)) }
  }
  if (node.ref === undefined) throw new Error(`a ${node.type} has no protobuf form`)
  return { type: BYTES, write: withLength(messageWriter(node.ref)) }
}

function withLength(write: WriteValue): WriteValue {
  return (out, value) => {
    const before = out.size
    write(out, value)
    out.lengthSince(before)
  }
}

/** As Go sorts: by the bytes of UTF-8, which is not the order of JavaScript's texts beyond the first 65,536 characters. */
function sortedKeys(map: JsonObject): string[] {
  const keys = Object.keys(map)
  if (keys.length < 2) return keys
  return keys.some((key) => /[\ud800-\udfff]/.test(key)) ? keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))) : keys.sort()
}

function objectOf(value: unknown): JsonObject {
  if (value === undefined || value === null) return nothing
  if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError(`a ${typeof value} stands where an object belongs`)
  return value as JsonObject
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError(`a ${typeof value} stands where a list belongs`)
  return value
}
