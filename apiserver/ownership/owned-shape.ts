import { SchemaNode } from '../../shared/openapi/schema.ts'
import { fieldElement, type ListKey } from './path-element.ts'

/**
 * How ownership divides a value: `leaf` is owned as a whole (scalars, atomic lists and maps), `struct` by its fields, `map` by its keys, `set` by
 * its values, `keyed` by its items, `open` (no schema) by the keys of objects, lists as a whole.
 */
export type ShapeKind = 'leaf' | 'struct' | 'map' | 'set' | 'keyed' | 'open'

export interface ShapeField {
  readonly name: string
  /** `f:name`. */
  readonly element: string
  /** The same as JSON, with a colon. */
  readonly label: string
  readonly shape: Shape
}

const leafTypes = new Set(['string', 'integer', 'number', 'boolean'])
const shapes = new WeakMap<SchemaNode, Shape>()
const structs = new WeakMap<ReadonlyMap<string, SchemaNode>, StructFields>()

interface StructFields {
  readonly byName: ReadonlyMap<string, ShapeField>
  /** In the order of FieldsV1. */
  readonly sorted: readonly ShapeField[]
}

/** What the schema says of a place, as ownership needs it; parts below are made when first asked for, and kept. */
export class Shape {
  readonly kind: ShapeKind
  /** The keys of a `keyed` list, sorted by name. */
  readonly keys: readonly ListKey[]
  readonly #node: SchemaNode
  #fields: StructFields | undefined
  #below: Shape | undefined

  /** Use `shapeOf`. */
  constructor(node: SchemaNode) {
    this.#node = node
    this.kind = kindOf(node)
    const names = this.kind === 'keyed' ? [...node.listMapKeys].sort() : []
    this.keys = names.map((name) => ({ name, fallback: node.items?.fields.get(name)?.default }))
  }

  /** Why a value cannot be this leaf, for what JSON's types tell; undefined: it may be. */
  mismatch(value: unknown): string | undefined {
    const { type, scalar } = this.#node
    if (scalar !== undefined) return undefined
    if (type === 'string') return typeof value === 'string' ? undefined : `expected string, got ${natureOf(value)}`
    if (type === 'integer' || type === 'number') {
      return typeof value === 'number' || typeof value === 'bigint' ? undefined : `expected numeric (int or float), got ${natureOf(value)}`
    }
    if (type === 'boolean') return typeof value === 'boolean' ? undefined : `expected boolean, got ${natureOf(value)}`
    if (type === 'array') return Array.isArray(value) ? undefined : `expected list, got ${natureOf(value)}`
    if (type === 'map' || type === 'object') {
      return typeof value === 'object' && !Array.isArray(value) ? undefined : `expected map, got ${natureOf(value)}`
    }
    return undefined
  }

  /** Fields of a struct, sorted by name. */
  get fields(): readonly ShapeField[] {
    return this.#struct.sorted
  }

  field(name: string): ShapeField | undefined {
    return this.#struct.byName.get(name)
  }

  /** What is below by any name: values of a map, items of a list, unknown fields; undefined where nothing may be. */
  get below(): Shape | undefined {
    this.#below ??= this.#belowNode()
    return this.#below
  }

  #belowNode(): Shape | undefined {
    switch (this.kind) {
      case 'map':
        return shapeOf(this.#node.values!)
      case 'keyed':
      case 'set':
        return shapeOf(this.#node.items!)
      case 'open':
        return this
      case 'struct':
        return this.#node.isOpen ? openShape : undefined
      default:
        return undefined
    }
  }

  get #struct(): StructFields {
    this.#fields ??= structOf(this.#node.fields)
    return this.#fields
  }
}

/** For sentences: what a value is. */
export function natureOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'bigint') return 'number'
  return typeof value === 'object' ? 'map' : typeof value
}

/** The shape of a schema's place; the same one every time. */
export function shapeOf(node: SchemaNode): Shape {
  let shape = shapes.get(node)
  if (!shape) {
    shape = new Shape(node)
    shapes.set(node, shape)
  }
  return shape
}

function kindOf(node: SchemaNode): ShapeKind {
  if (node.scalar !== undefined || leafTypes.has(node.type)) return 'leaf'
  if (node.type === 'array') {
    if (node.listType === 'set') return 'set'
    return node.listType === 'map' ? 'keyed' : 'leaf'
  }
  if (node.mapType === 'atomic') return 'leaf'
  if (node.type === 'map') return 'map'
  if (node.type === 'any') return 'open'
  return node.isOpen && node.fields.size === 0 ? 'open' : 'struct'
}

function structOf(fields: ReadonlyMap<string, SchemaNode>): StructFields {
  const known = structs.get(fields)
  if (known) return known
  const sorted = Array.from(fields, ([name, node]): ShapeField => {
    const element = fieldElement(name)
    return { name, element, label: `${JSON.stringify(element)}:`, shape: shapeOf(node) }
  }).sort((a, b) => (a.name < b.name ? -1 : 1))
  const made = { sorted, byName: new Map(sorted.map((field) => [field.name, field])) }
  structs.set(fields, made)
  return made
}

/** A place without a schema. */
export const openShape: Shape = shapeOf(new SchemaNode({ type: 'any', open: true }))
