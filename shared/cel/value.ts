import * as types from './type.ts'
import { type CelType, intType, listOf, mapOf, typeOf } from './type.ts'

/**
 * What an expression evaluates to. An `int` is a bigint of 64 bits, a `double` a number, a `string` a text whose characters are code
 * points. Errors are values too: `||` and `&&` take them in where the other side decides.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | UnsignedInt
  | Timestamp
  | Duration
  | CelList
  | CelMap
  | TypeValue
  | OptionalValue
  | Opaque
  | CelError

/** Why an expression has no value. */
export class CelError {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

/** An unsigned integer of 64 bits. */
export class UnsignedInt {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

/** A point in time, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

/** A span of time, in nanoseconds. */
export class Duration {
  readonly nanoseconds: bigint

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds
  }
}

/** A type as a value. */
export class TypeValue {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A value that may be absent. */
export class OptionalValue {
  readonly value: Value | undefined

  constructor(value: Value | undefined) {
    this.value = value
  }
}

export const none = new OptionalValue(undefined)

/** A value that only its own functions look into. Two are equal when their texts are. */
export abstract class Opaque {
  abstract readonly type: types.OpaqueType
  /** Tells two values of one type apart. */
  abstract get identity(): string
  /** Which of two comes first, for types that have an order; undefined for a value of another type. */
  compare?(other: Opaque): number | undefined
}

/** A list; items are made when they are asked for. */
export abstract class CelList {
  abstract readonly size: number
  /** The item, from 0 to `size` - 1. */
  abstract at(index: number): Value

  *[Symbol.iterator](): Generator<Value> {
    for (let index = 0; index < this.size; index++) yield this.at(index)
  }

  /** How items are told apart, where the schema says so. */
  readonly keys: types.ListType['keys'] = undefined
}

/** A list of values that are there. */
export class ValueList extends CelList {
  readonly #items: readonly Value[]

  constructor(items: readonly Value[]) {
    super()
    this.#items = items
  }

  override get size(): number {
    return this.#items.length
  }

  override at(index: number): Value {
    return this.#items[index]!
  }
}

/** A map, or an object. */
export abstract class CelMap {
  abstract readonly size: number
  /** The value, or undefined where there is none. A key of another type than the map's is simply not there. */
  abstract get(key: Value): Value | undefined
  /** A field read with a dot: objects know other spellings of their names. */
  field(name: string): Value | undefined {
    return this.get(name)
  }
  abstract keys(): Iterable<Value>
}

/** A map whose values are there. */
export class ValueMap extends CelMap {
  readonly #entries: ReadonlyMap<string, readonly [Value, Value]>

  private constructor(entries: ReadonlyMap<string, readonly [Value, Value]>) {
    super()
    this.#entries = entries
  }

  /** Of keys and values; an error for a key that cannot be one, or that comes twice. */
  static of(entries: Iterable<readonly [Value, Value]>): ValueMap | CelError {
    const known = new Map<string, readonly [Value, Value]>()
    for (const entry of entries) {
      const key = keyText(entry[0])
      if (key === undefined) return new CelError(`unsupported key type: ${runtimeTypeOf(entry[0])}`)
      if (known.has(key)) return new CelError(`Failed with repeated key`)
      known.set(key, entry)
    }
    return new ValueMap(known)
  }

  override get size(): number {
    return this.#entries.size
  }

  override get(key: Value): Value | undefined {
    const text = keyText(key)
    return text === undefined ? undefined : this.#entries.get(text)?.[1]
  }

  override *keys(): Generator<Value> {
    for (const [key] of this.#entries.values()) yield key
  }
}

/** One text for each key: numbers of all kinds that are equal are one key. */
function keyText(key: Value): string | undefined {
  if (typeof key === 'string') return `"${key}`
  if (typeof key === 'boolean' || typeof key === 'bigint') return String(key)
  if (key instanceof UnsignedInt) return String(key.value)
  if (typeof key === 'number') return Number.isInteger(key) ? String(BigInt(key)) : String(key)
  return undefined
}

/** The type of a value, as far as it can be seen without looking inside. */
export function runtimeType(value: Value): CelType {
  if (value === null) return types.nullType
  switch (typeof value) {
    case 'boolean':
      return types.boolType
    case 'bigint':
      return intType
    case 'number':
      return types.doubleType
    case 'string':
      return types.stringType
  }
  if (value instanceof CelList) return listOf(types.dyn)
  if (value instanceof CelMap) return mapOf(types.dyn, types.dyn)
  if (value instanceof Uint8Array) return types.bytesType
  if (value instanceof UnsignedInt) return types.uintType
  if (value instanceof Timestamp) return types.timestampType
  if (value instanceof Duration) return types.durationType
  if (value instanceof OptionalValue) return types.optionalOf(types.dyn)
  if (value instanceof TypeValue) return typeOf(types.dyn)
  if (value instanceof Opaque) return value.type
  return types.errorType
}

/** The name of a value's type, as `type(x)` has it. */
export function runtimeTypeOf(value: Value): string {
  return types.runtimeTypeName(runtimeType(value))
}
