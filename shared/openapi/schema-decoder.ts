/**
 * One walk from parsed JSON to the object as Go's decoder and encoder would leave it: types checked, unknown fields dropped and
 * reported, structs filled in, empty optional values dropped, fields in the order of the Go struct. Compiled once a definition.
 */
import { inputLimits } from '../limits/input-limits.ts'
import { definition } from './document.ts'
import { SchemaNode } from './schema.ts'
import { CHOSEN_SCHEMA, choiceOf } from './schema-choices.ts'
import { decodeScalar, decodeSeconds, decodeString, jsonTypeOf, pathText, type ScalarDecoder, TypeMismatch } from './schema-scalars.ts'

/** What a walk carries along. */
export interface DecodeState {
  /** Names of the fields above, with `[0]` and map keys as parts of their own. */
  readonly path: string[]
  /** Paths of fields the schema does not know; undefined: nobody asked. */
  readonly unknown: string[] | undefined
}

/** Turns a present value (not undefined, not null) into what is stored. @throws TypeMismatch */
export type Decoder = (value: unknown, state: DecodeState) => unknown

interface Field {
  readonly name: string
  readonly decode: Decoder
  /** What to write when nothing was given; undefined: nothing. */
  readonly empty: (() => unknown) | undefined
  /** Empty values of this field are not written (omitempty). */
  readonly dropsEmpty: boolean
}

type JsonObject = Record<string, unknown>

const compiled = new Map<string, Decoder>()

/** The decoder of a definition, by its official name; undefined if there is no such definition. */
export function decoderOf(name: string): Decoder | undefined {
  const known = compiled.get(name)
  if (known) return known
  const node = definition(name)
  if (!node) return undefined
  const decoder = compileStruct(node, name)
  compiled.set(name, decoder)
  return decoder
}

function compile(node: SchemaNode, shortPath: ScalarPlace): Decoder {
  if (node.scalar !== undefined || ['string', 'integer', 'number', 'boolean'].includes(node.type)) {
    const decode: ScalarDecoder = decodeScalar(node)
    return decode === decodeString
      ? (value, state) => (typeof value === 'string' ? value : mismatch(value, 'string', shortPath, state))
      : (value, state) => decodeWith(decode, value, shortPath, state)
  }
  switch (node.type) {
    case 'array':
      return compileArray(node.items!, shortPath)
    case 'map':
      return compileMap(node.values!, shortPath)
    case 'object':
      return node.isOpen ? compileOpen(node, shortPath) : compileReference(node, shortPath)
    default:
      return compileOpen(node, shortPath)
  }
}

/** Where a value stands, for messages: the struct that has the field. */
interface ScalarPlace {
  readonly struct: string
}

function decodeWith(decode: ScalarDecoder, value: unknown, place: ScalarPlace, state: DecodeState): unknown {
  try {
    return decode(value)
  } catch (error) {
    if (error instanceof TypeMismatch) throw error.at(place.struct, state.path)
    throw error
  }
}

function mismatch(value: unknown, type: string, place: ScalarPlace, state: DecodeState): never {
  throw new TypeMismatch(jsonTypeOf(value), type).at(place.struct, state.path)
}

/** Raw JSON, but for a definition that may hold a schema. */
function compileOpen(node: SchemaNode, place: ScalarPlace): Decoder {
  const choose = choiceOf(node.ref)
  if (!choose) return (value) => value
  const schema = compileReference(new SchemaNode({ type: 'object' }, CHOSEN_SCHEMA, () => definition(CHOSEN_SCHEMA)!), place)
  return (value, state) => choose(value, state, schema)
}

/** Looked up when first used: definitions may refer to themselves. */
function compileReference(node: SchemaNode, place: ScalarPlace): Decoder {
  const name = node.ref
  if (name === undefined) return compileStruct(node, place.struct)
  const type = goName(name)
  let target: Decoder | undefined
  return (value, state) => {
    if (typeof value !== 'object' || Array.isArray(value)) mismatch(value, type, place, state)
    target ??= decoderOf(name)!
    return target(value, state)
  }
}

function compileArray(items: SchemaNode, place: ScalarPlace): Decoder {
  const decode = compile(items, place)
  const type = `[]${goTypeOf(items)}`
  return (value, state) => {
    if (!Array.isArray(value)) mismatch(value, type, place, state)
    if (value.length > inputLimits.listItems) {
      throw new TypeMismatch(`a list has ${value.length} items; at most ${inputLimits.listItems} are allowed`).at(place.struct, state.path)
    }
    const decoded: unknown[] = new Array(value.length)
    const depth = state.path.length
    state.path.push('')
    for (let index = 0; index < value.length; index++) {
      const item = value[index]
      state.path[depth] = `[${index}]`
      decoded[index] = item === null ? filledEmpty(items) : decode(item, state)
    }
    state.path.pop()
    return decoded
  }
}

function compileMap(values: SchemaNode, place: ScalarPlace): Decoder {
  const decode = compile(values, place)
  const type = `map[string]${goTypeOf(values)}`
  return (value, state) => {
    if (typeof value !== 'object' || Array.isArray(value)) mismatch(value, type, place, state)
    const given = value as JsonObject
    const depth = state.path.length
    state.path.push('')
    // Edited in place: a fresh object would need special care for a key like __proto__, which is data here.
    for (const key in given) {
      const item = given[key]
      state.path[depth] = key
      const decoded = item === null ? filledEmpty(values) : decode(item, state)
      if (decoded !== item) given[key] = decoded
    }
    state.path.pop()
    return given
  }
}

function compileStruct(node: SchemaNode, name: string): Decoder {
  const struct = name.slice(name.lastIndexOf('.') + 1)
  const fields: Field[] = []
  let ready = false
  const prepare = (): void => {
    for (const [fieldName, field] of node.fields) fields.push(compileField(fieldName, field, struct))
    ready = true
  }
  return (value, state) => {
    if (!ready) prepare()
    const given = value as JsonObject
    const decoded: JsonObject = {}
    const depth = state.path.length
    state.path.push('')
    let met = 0
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index]!
      const item = given[field.name]
      if (item !== undefined) {
        met++
        if (item !== null) {
          state.path[depth] = field.name
          const result = field.decode(item, state)
          if (!(field.dropsEmpty && isEmpty(result))) {
            decoded[field.name] = result
            continue
          }
        }
      }
      if (field.empty !== undefined) decoded[field.name] = field.empty()
    }
    state.path.pop()
    if (state.unknown !== undefined) {
      let present = 0
      for (const _ in given) present++
      if (present !== met) reportUnknown(given, node, state, state.unknown)
    }
    return decoded
  }
}

function compileField(name: string, node: SchemaNode, struct: string): Field {
  return {
    name,
    decode: isSeconds(name, node) ? (value, state) => decodeWith(decodeSeconds, value, { struct }, state) : compile(node, { struct }),
    empty: node.alwaysEmitted ? () => filledEmpty(node) : undefined,
    dropsEmpty: !node.alwaysEmitted && !node.isPointer,
  }
}

/** `terminationGracePeriodSeconds`, `expirationSeconds`, `tolerationSeconds`…: somebody adds them to a time. */
function isSeconds(name: string, node: SchemaNode): boolean {
  return node.type === 'integer' && node.scalar === undefined && node.format !== 'int32' && name.endsWith('Seconds')
}

/** The empty value of a place, filled in; lists and maps are written empty rather than null, so that readers may iterate. */
function filledEmpty(node: SchemaNode): unknown {
  if (node.isPointer) return null
  if (node.type === 'array') return []
  if (node.type === 'map') return {}
  if (node.type === 'object' && node.scalar === undefined && !node.isOpen && node.ref !== undefined) {
    return decoderOf(node.ref)!({}, { path: [], unknown: undefined })
  }
  return node.emptyValue()
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === null) return true
  if (typeof value !== 'object') return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}

function reportUnknown(given: JsonObject, node: SchemaNode, state: DecodeState, unknown: string[]): void {
  for (const key in given) {
    if (unknown.length > inputLimits.problems) return
    if (!node.fields.has(key)) unknown.push(pathText([...state.path, key]))
  }
}

function goTypeOf(node: SchemaNode): string {
  if (node.ref !== undefined) return goName(node.ref)
  if (node.type === 'array') return `[]${goTypeOf(node.items!)}`
  if (node.type === 'map') return `map[string]${goTypeOf(node.values!)}`
  if (node.type === 'integer' || node.type === 'number') return node.format === 'double' ? 'float64' : (node.format ?? 'int64')
  return node.type === 'boolean' ? 'bool' : node.type
}

/** `io.k8s.api.core.v1.PodSpec` → `v1.PodSpec`. */
function goName(name: string): string {
  return name.split('.').slice(-2).join('.')
}
