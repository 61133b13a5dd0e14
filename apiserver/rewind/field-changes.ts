import { writeExactJson } from '../../shared/text/exact-json.ts'
import { isObject } from '../patch/json-value.ts'

/** One place in an object that is another one than before. A side that is missing was not there. */
export interface FieldChange {
  /** `spec.replicas`, `spec.containers[0].image`, `metadata.labels["a.b/c"]`. */
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/** Changes told of one object; who wants more reads both states. */
const MOST = 50
/** Characters of a value as JSON that are told; a longer one is said to be long. */
const VALUE_CHARACTERS = 1_000
/** Deeper ones are compared as a whole. */
const DEPTH = 32
/** What every write changes. */
const everyWrites = new Set(['metadata.resourceVersion', 'metadata.managedFields', 'metadata.generation'])

/** What differs between two states of an object, `MOST` places at most. */
export function fieldChanges(before: unknown, after: unknown): FieldChange[] {
  const found: FieldChange[] = []
  compare('', before, after, found, 0)
  return found
}

function compare(path: string, before: unknown, after: unknown, found: FieldChange[], depth: number): void {
  if (before === after || found.length >= MOST || everyWrites.has(path)) return
  if (depth < DEPTH && isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(joined(path, key), before[key], after[key], found, depth + 1)
    }
    return
  }
  if (depth < DEPTH && Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length)
    for (let index = 0; index < length && found.length < MOST; index++) {
      compare(`${path}[${index}]`, before[index], after[index], found, depth + 1)
    }
    return
  }
  found.push({
    path,
    ...(before === undefined ? {} : { before: told(before) }),
    ...(after === undefined ? {} : { after: told(after) }),
  })
}

const PLAIN = /^[A-Za-z_$][A-Za-z0-9_$]*$/

function joined(path: string, key: string): string {
  if (!PLAIN.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

function told(value: unknown): unknown {
  const { length } = writeExactJson(value)
  return length > VALUE_CHARACTERS ? `(${length} characters)` : value
}
