import type { SchemaNode } from '../../shared/openapi/schema.ts'
import type { Random } from '../../shared/random/random.ts'
import { below } from './mutate.ts'

type JsonObject = Record<string, unknown>

const texts = [
  ...['', 'a', 'b-1', 'default', 'Always', 'Never', 'nginx', '10.0.0.1', '::1', '/a/b', '1Gi', '500m', 'http', 'TCP', 'ClusterIP', 'None'],
  ...['__proto__', 'constructor', 'toString', 'example.com/a', 'kubernetes.io/tls', 'é😀', 'a\u0000b', '\\', '%2F', '{"a":1}', 'YQ==', '…'],
]
const times = [
  '2026-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59-23:59',
  '2026-01-01T00:00:00.123456789+02:00',
]
const quantities = ['1', '0.5', '1e3', '100Mi', '1n', '-1', 1, 0.1, '9223372036854775807', '1E']
const integers = [0, 1, -1, 80, 65_535, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, Number.MAX_SAFE_INTEGER, 100_000_000_000]

/** Values of a schema, mostly of the right type: what a client could send, and now and then what it should not. */
export class RandomValues {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Sets some fields of an object, at any depth, to new values. */
  change(object: JsonObject, schema: SchemaNode): void {
    const fields = [...schema.fields]
    const [name, field] = this.#one(fields) ?? []
    if (name === undefined || field === undefined) return
    const present = object[name]
    if (typeof present === 'object' && present !== null && this.#chance(0.8)) {
      if (Array.isArray(present)) {
        if (!field.items) return
        const item: unknown = this.#one(present)
        if (field.items.type === 'object' && typeof item === 'object' && item !== null && this.#chance(0.7))
          this.change(item as JsonObject, field.items)
        else present.push(this.value(field.items, 3))
      } else if (field.type === 'object' && field.scalar === undefined) this.change(present as JsonObject, field)
      else if (field.type === 'map') Object.defineProperty(present, this.#text(), { value: this.value(field.values!, 2), ...plain })
    } else object[name] = this.value(field, 3)
  }

  value(node: SchemaNode, depth: number): unknown {
    if (this.#chance(0.02)) return this.#one([null, 'x', 7, [], {}, true])
    switch (node.scalar) {
      case 'quantity':
        return this.#one(quantities)
      case 'int-or-string':
        return this.#one([80, 'http', '50%', 0, '-1%'])
      case 'time':
      case 'micro-time':
        return this.#one(times)
      case 'duration':
        return this.#one(['1s', '1h30m', '0', '-1ns'])
      case undefined:
        break
    }
    switch (node.type) {
      case 'string':
        return node.enum && this.#chance(0.8)
          ? this.#one(node.enum)
          : node.format === 'byte'
            ? this.#one(['YQ==', '', 'e30='])
            : this.#text()
      case 'integer':
        return this.#one(integers)
      case 'number':
        return this.#one([0, 1.5, -1e300])
      case 'boolean':
        return this.#chance(0.5)
      case 'array':
        return Array.from({ length: depth > 0 ? below(this.#random, 3) : 0 }, () => this.value(node.items!, depth - 1))
      case 'map':
        return Object.fromEntries(Array.from({ length: below(this.#random, 3) }, () => [this.#text(), this.value(node.values!, depth - 1)]))
      case 'object':
        return this.#object(node, depth)
      default:
        return this.#one([{}, { a: [1, { b: null }] }, 'x', 1])
    }
  }

  #object(node: SchemaNode, depth: number): JsonObject {
    const object: JsonObject = {}
    if (depth <= 0) return object
    for (const [name, field] of node.fields) {
      if (field.isRequired ? this.#chance(0.9) : this.#chance(0.25)) object[name] = this.value(field, depth - 1)
    }
    return object
  }

  #text(): string {
    return this.#one(texts)!
  }

  #one<T>(values: readonly T[]): T | undefined {
    return values[below(this.#random, values.length)]
  }

  #chance(of: number): boolean {
    return this.#random.fraction() < of
  }
}

const plain = { enumerable: true, configurable: true, writable: true }
