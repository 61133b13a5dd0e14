/**
 * Reads bodies in Kubernetes' protobuf encoding, which kubectl's typed commands (`kubectl create deployment`, `auth can-i`) send
 * whatever the server would like better. Only reading: answers are JSON, which every such client accepts too.
 * The schema says what a field is, the generated field numbers say which; unknown numbers are skipped, as protobuf wants.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StatusError } from '../../shared/errors/status-error.ts'
import { definition } from '../../shared/openapi/document.ts'
import { definitionNameOf } from '../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { WireReader } from './wire-reader.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

const MAGIC = Buffer.from('k8s\u0000')

/** What a field number stands for: a field, or (struct embedded in Go) further numbers of the same object. */
type Slots = Map<number, { readonly name: string; readonly node: SchemaNode } | Slots>
type JsonObject = Record<string, unknown>

/** @throws StatusError BadRequest */
export function parseProtobuf(bytes: Buffer): unknown {
  if (!bytes.subarray(0, 4).equals(MAGIC)) throw unreadable('it does not begin with the magic number of Kubernetes')
  try {
    let apiVersion = ''
    let kind = ''
    let raw: Buffer = Buffer.alloc(0)
    for (const field of new WireReader(bytes.subarray(4))) {
      if (field.number === 2) raw = field.bytes()
      if (field.number !== 1) continue
      for (const part of new WireReader(field.bytes())) {
        if (part.number === 1) apiVersion = part.bytes().toString()
        if (part.number === 2) kind = part.bytes().toString()
      }
    }
    const name = definitionNameOf(apiVersion, kind)
    const node = name === undefined ? undefined : definition(name)
    if (!name || !node) throw unreadable(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
    return { ...readStruct(raw, node, name), apiVersion, kind }
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw unreadable(error instanceof Error ? error.message : String(error), error)
  }
}

function unreadable(reason: string, cause?: unknown): StatusError {
  return new StatusError('BadRequest', `the object provided is unrecognized: ${reason}`, { cause })
}

let numbers: Readonly<Record<string, string>> | undefined
const slotsOf = new Map<string, Slots>()

function slots(name: string, node: SchemaNode): Slots {
  const known = slotsOf.get(name)
  if (known) return known
  numbers ??= JSON.parse(readFileSync(join(import.meta.dirname, '../../shared/openapi/generated/wire.json'), 'utf8')) as Record<
    string,
    string
  >
  const made: Slots = new Map()
  for (const text of (numbers[name] ?? '').split(' ')) {
    const [field, path] = text.split('=')
    const fieldNode = field && node.fields.get(field)
    if (!fieldNode || !path) continue
    const steps = path.split('.').map(Number)
    const last = steps.pop()!
    let at = made
    for (const step of steps) {
      const inner = at.get(step)
      const next: Slots = inner instanceof Map ? inner : new Map()
      at.set(step, next)
      at = next
    }
    at.set(last, { name: field, node: fieldNode })
  }
  slotsOf.set(name, made)
  return made
}

function readStruct(bytes: Buffer, node: SchemaNode, name: string): JsonObject {
  const object: JsonObject = {}
  readInto(object, bytes, slots(name, node))
  return object
}

function readInto(object: JsonObject, bytes: Buffer, known: Slots): void {
  for (const field of new WireReader(bytes)) {
    const slot = known.get(field.number)
    if (slot === undefined) continue
    if (slot instanceof Map) readInto(object, field.bytes(), slot)
    else readField(object, slot.name, slot.node, field)
  }
}

function readField(object: JsonObject, name: string, node: SchemaNode, field: WireReader): void {
  if (node.type === 'array') {
    const list = (object[name] ??= []) as unknown[]
    list.push(...readItems(node.items!, field))
  } else if (node.type === 'map') {
    const map = (object[name] ??= {}) as JsonObject
    let key = ''
    let value = emptyOf(node.values!)
    for (const part of new WireReader(field.bytes())) {
      if (part.number === 1) key = part.bytes().toString()
      if (part.number === 2) value = readMapValue(node.values!, part)
    }
    map[key] = value
  } else object[name] = readValue(node, field)
}

/** Go encodes a named list that is a map's value as a message with the items as field 1. */
function readMapValue(node: SchemaNode, field: WireReader): unknown {
  if (node.type !== 'array') return readValue(node, field)
  const items: unknown[] = []
  for (const part of new WireReader(field.bytes())) if (part.number === 1) items.push(...readItems(node.items!, part))
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
  if (isNumber && field.isBytes) return WireReader.packed(field.bytes()).map((value) => (node.type === 'boolean' ? value !== 0 : value))
  return [readValue(node, field)]
}

function readValue(node: SchemaNode, field: WireReader): unknown {
  switch (node.scalar) {
    case 'quantity':
      return textIn(field.bytes(), 1)
    case 'int-or-string':
      return readIntOrString(field.bytes())
    case 'time':
    case 'micro-time':
      return readTime(field.bytes(), node.scalar === 'micro-time')
    case 'duration':
      return `${numberIn(field.bytes(), 1)}ns`
    case undefined:
      break
  }
  switch (node.type) {
    case 'string':
      return node.format === 'byte' ? field.bytes().toString('base64') : field.bytes().toString()
    case 'integer':
      return field.integer()
    case 'boolean':
      return field.integer() !== 0
    case 'number':
      return field.double()
    case 'object':
      if (!node.isOpen && node.ref) return readStruct(field.bytes(), node, node.ref)
      return JSON.parse(textIn(field.bytes(), 1) || 'null') as unknown
    default:
      // Raw JSON travels as the bytes of field 1.
      return JSON.parse(textIn(field.bytes(), 1) || 'null') as unknown
  }
}

function readIntOrString(bytes: Buffer): unknown {
  return numberIn(bytes, 1) === 0 ? numberIn(bytes, 2) : textIn(bytes, 3)
}

function readTime(bytes: Buffer, isMicro: boolean): string | null {
  // A time that is not set travels as an empty message.
  if (bytes.length === 0) return null
  const date = new Date(numberIn(bytes, 1) * 1000)
  const whole = date.toISOString().slice(0, 19)
  if (!isMicro) return `${whole}Z`
  return `${whole}.${String(Math.floor(numberIn(bytes, 2) / 1000)).padStart(6, '0')}Z`
}

function textIn(bytes: Buffer, number: number): string {
  let text = ''
  for (const field of new WireReader(bytes)) if (field.number === number) text = field.bytes().toString()
  return text
}

function numberIn(bytes: Buffer, number: number): number {
  let value = 0
  for (const field of new WireReader(bytes)) if (field.number === number) value = field.integer()
  return value
}
