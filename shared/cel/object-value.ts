import { type CelType, runtimeTypeName } from './type.ts'
import { type CelError, CelMap, type Value } from './value.ts'

/** An object that an expression made: `JSONPatch{op: 'add', …}`. */
export class ObjectValue extends CelMap {
  readonly typeName: string
  readonly #fields: ReadonlyMap<string, Value>

  private constructor(typeName: string, fields: ReadonlyMap<string, Value>) {
    super()
    this.typeName = typeName
    this.#fields = fields
  }

  static of(type: CelType, entries: Iterable<readonly [Value, Value]>): ObjectValue | CelError {
    return new ObjectValue(runtimeTypeName(type), new Map([...entries].map(([name, value]) => [String(name), value])))
  }

  override get size(): number {
    return this.#fields.size
  }

  override get(key: Value): Value | undefined {
    return typeof key === 'string' ? this.#fields.get(key) : undefined
  }

  override keys(): Iterable<Value> {
    return this.#fields.keys()
  }
}
