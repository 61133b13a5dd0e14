/** What kind of value an expression has. `dyn` is any: what it really is shows when it is evaluated. */
export type CelType =
  | { readonly kind: PlainKind; readonly maximum?: number | undefined }
  | ListType
  | MapType
  | ObjectType
  | OpaqueType
  | { readonly kind: 'type'; readonly of: CelType }
  | { readonly kind: 'parameter'; readonly name: string }

export type PlainKind = 'dyn' | 'error' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration'

export interface ListType {
  readonly kind: 'list'
  readonly element: CelType
  /** The most items, where a schema bounds them. */
  readonly maximum?: number | undefined
  /** How items are told apart, where the list is not atomic: a set of scalars, or objects by these fields. Changes `==` and `+`. */
  readonly keys?: 'set' | readonly string[] | undefined
}

export interface MapType {
  readonly kind: 'map'
  readonly key: CelType
  readonly value: CelType
  readonly maximum?: number | undefined
}

/** One field of an object: how JSON calls it, and what is in it. */
export interface ObjectField {
  readonly name: string
  readonly type: CelType
}

export interface ObjectType {
  readonly kind: 'object'
  readonly name: string
  /** The field that an expression calls so; undefined if there is none. */
  readonly field: (name: string) => ObjectField | undefined
}

/** A type that only functions look into: `optional_type(T)`, `kubernetes.Quantity`, `net.IP`. */
export interface OpaqueType {
  readonly kind: 'opaque'
  readonly name: string
  readonly parameters: readonly CelType[]
}

const plain = <K extends PlainKind>(kind: K) => ({ kind }) as const

export const dyn: CelType = plain('dyn')
export const errorType: CelType = plain('error')
export const nullType: CelType = plain('null')
export const boolType: CelType = plain('bool')
export const intType: CelType = plain('int')
export const uintType: CelType = plain('uint')
export const doubleType: CelType = plain('double')
export const stringType: CelType = plain('string')
export const bytesType: CelType = plain('bytes')
export const timestampType: CelType = plain('timestamp')
export const durationType: CelType = plain('duration')

export const listOf = (element: CelType): ListType => ({ kind: 'list', element })
export const mapOf = (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value })
export const typeOf = (of: CelType): CelType => ({ kind: 'type', of })
export const opaqueType = (name: string, ...parameters: CelType[]): OpaqueType => ({ kind: 'opaque', name, parameters })
export const optionalOf = (type: CelType): OpaqueType => opaqueType(OPTIONAL, type)
export const parameter = (name: string): CelType => ({ kind: 'parameter', name })

export const OPTIONAL = 'optional_type'

/** The type inside `optional_type(T)`; undefined for every other type. */
export function optionalInside(type: CelType): CelType | undefined {
  return type.kind === 'opaque' && type.name === OPTIONAL ? type.parameters[0] : undefined
}

/** An object whose fields are known in advance, by their names in expressions. */
export function objectType(name: string, fields: Readonly<Record<string, CelType>>): ObjectType {
  const known = new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }]))
  return { kind: 'object', name, field: (field) => known.get(field) }
}

/** The type as sentences about it call it (cel-go's `FormatCELType`). */
export function typeName(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeName(type.element)})`
    case 'map':
      return `map(${typeName(type.key)}, ${typeName(type.value)})`
    case 'object':
      return type.name
    case 'opaque':
      return type.parameters.length > 0 ? `${type.name}(${type.parameters.map(typeName).join(', ')})` : type.name
    case 'type':
      return `type(${typeName(type.of)})`
    case 'parameter':
      return type.name
    case 'error':
      return '!error!'
    default:
      return type.kind
  }
}

/** What `type(x)` answers and `string(type(x))` reads: without the types inside. */
export function runtimeTypeName(type: CelType): string {
  if (type.kind === 'timestamp') return 'google.protobuf.Timestamp'
  if (type.kind === 'duration') return 'google.protobuf.Duration'
  if (type.kind === 'null') return 'null_type'
  if (type.kind === 'object' || type.kind === 'opaque' || type.kind === 'parameter') return type.name
  return type.kind
}
