import { own } from '../objects/own.ts'
import { parseDuration, parseTimestamp } from './time-values.ts'
import { type CelType, dyn, type ListType } from './type.ts'
import { CelError, CelList, CelMap, type Value } from './value.ts'

/**
 * A JSON value as an expression sees it: nothing is copied, and what is inside is looked at when it is asked for. The type says what
 * numbers and texts mean; where it says nothing, or the value does not fit it, whole numbers are ints.
 */
export function jsonValue(raw: unknown, type: CelType = dyn): Value {
  switch (typeof raw) {
    case 'string':
      return textValue(raw, type)
    case 'number':
      return numberValue(raw, type)
    case 'boolean':
      return raw
    case 'bigint':
      return type.kind === 'double' ? Number(raw) : raw
    case 'object':
      if (raw === null) return null
      return Array.isArray(raw) ? new JsonList(raw, type.kind === 'list' ? type : undefined) : new JsonMap(raw, type)
    default:
      return null
  }
}

function textValue(raw: string, type: CelType): Value {
  if (type.kind === 'bytes') return new Uint8Array(Buffer.from(raw, 'base64'))
  const time = type.kind === 'timestamp' ? parseTimestamp(raw) : type.kind === 'duration' ? parseDuration(raw) : raw
  return time instanceof CelError ? raw : time
}

function numberValue(raw: number, type: CelType): Value {
  const isInt = type.kind !== 'double' && Number.isInteger(raw) && Math.abs(raw) < 2 ** 63
  return isInt ? BigInt(raw) : raw
}

class JsonList extends CelList {
  override readonly keys: ListType['keys']
  readonly #items: readonly unknown[]
  readonly #element: CelType

  constructor(items: readonly unknown[], type: ListType | undefined) {
    super()
    this.#items = items
    this.#element = type?.element ?? dyn
    this.keys = type?.keys
  }

  override get size(): number {
    return this.#items.length
  }

  override at(index: number): Value {
    return jsonValue(this.#items[index], this.#element)
  }
}

/** A JSON object: a map, or an object whose fields the type knows. */
class JsonMap extends CelMap {
  readonly #object: Readonly<Record<string, unknown>>
  readonly #type: CelType
  #names: readonly string[] | undefined

  constructor(object: object, type: CelType) {
    super()
    this.#object = asRecord(object)
    this.#type = type
  }

  get #keys(): readonly string[] {
    this.#names ??= Object.keys(this.#object).filter((key) => this.#object[key] !== undefined)
    return this.#names
  }

  override get size(): number {
    return this.#keys.length
  }

  override get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined
    const raw = own(this.#object, key)
    if (raw === undefined) return undefined
    const type = this.#type.kind === 'map' ? this.#type.value : this.#type.kind === 'object' ? this.#type.field(key)?.type : undefined
    return jsonValue(raw, type)
  }

  override field(name: string): Value | undefined {
    if (this.#type.kind !== 'object') return this.get(name)
    const known = this.#type.field(name)
    if (!known) return this.get(name)
    const raw = own(this.#object, known.name)
    return raw === undefined ? undefined : jsonValue(raw, known.type)
  }

  override keys(): Iterable<Value> {
    return this.#keys
  }
}

/** Every object may be asked for its own keys. */
function asRecord(object: object): Readonly<Record<string, unknown>> {
  return object as Readonly<Record<string, unknown>>
}
