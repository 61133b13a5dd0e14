import { StatusError } from '../../shared/errors/status-error.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'
import { cloneJson, isObject, type JsonObject, own, setOwn } from './json-value.ts'
import { identityBy, inOrder } from './strategic-lists.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const ELEMENT_ORDER = '$setElementOrder/'
const DELETE_SCALARS = '$deleteFromPrimitiveList/'

/**
 * Strategic merge patch: objects merge, lists merge by the merge key the schema names (or are replaced where it names none), and the
 * directives `$patch`, `$retainKeys`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…` say what merging alone cannot.
 * Neither argument is changed, nothing is shared.
 * @throws StatusError BadRequest for a patch that contradicts itself or the schema
 */
export function strategicMergePatch(current: unknown, patch: unknown, schema: SchemaNode): unknown {
  if (!isObject(patch)) throw new StatusError('BadRequest', 'error decoding patch: a strategic merge patch is an object')
  return mergeObject(isObject(current) ? cloneJson(current) : {}, cloneJson(patch), schema)
}

function mergeObject(original: JsonObject, patch: JsonObject, schema: SchemaNode | undefined): JsonObject {
  const directive = own(patch, DIRECTIVE)
  if (directive !== undefined) {
    delete patch[DIRECTIVE]
    if (directive === 'replace') return patch
    if (directive === 'delete') return {}
    throw bad(`unknown patch type: ${JSON.stringify(directive)}`)
  }
  retainKeys(original, patch)
  for (const key of Object.keys(patch)) {
    if (key.startsWith(ELEMENT_ORDER)) orderList(original, patch, key, schema)
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_SCALARS)) deleteScalars(original, key.slice(DELETE_SCALARS.length), value)
    else mergeField(original, key, value, fieldOf(schema, key))
  }
  return original
}

function mergeField(original: JsonObject, key: string, value: unknown, field: SchemaNode | undefined): void {
  if (value === null) {
    delete original[key]
    return
  }
  const present = own(original, key)
  const replaces = strategyOf(field) === 'replace'
  if (isObject(value) && isObject(present)) setOwn(original, key, replaces ? value : mergeObject(present, value, field))
  else if (Array.isArray(value) && Array.isArray(present)) {
    setOwn(original, key, strategyOf(field) === 'merge' ? mergeList(present, value, field!) : value)
  } else setOrDelete(original, key, withoutDirectives(withoutNulls(value)))
}

function mergeList(original: unknown[], patch: unknown[], field: SchemaNode): unknown[] {
  if (original.length === 0 && patch.length === 0) return original
  if ([...original, ...patch].some(Array.isArray)) throw bad('lists of lists are not supported')
  if (!isObject(original[0] ?? patch[0])) return inOrder([...new Set([...original, ...patch])], patch, original, identityBy(undefined))
  const mergeKey = field.patchMergeKey
  if (mergeKey === undefined) throw bad('cannot merge lists without merge key')
  const identity = identityBy(mergeKey)
  const keyed = (item: unknown) => identity(keyedObject(item, mergeKey))

  const additions: JsonObject[] = []
  const deleted = new Set<unknown>()
  for (const item of patch) {
    const key = item !== null && isObject(item) && own(item, DIRECTIVE) === 'replace' ? undefined : keyed(item)
    const directive = own(item as JsonObject, DIRECTIVE)
    if (directive === undefined) additions.push(item as JsonObject)
    else if (directive === 'delete') deleted.add(key)
    else if (directive !== 'replace') throw bad(`unknown patch type: ${JSON.stringify(directive)}`)
  }
  if (patch.some((item) => isObject(item) && own(item, DIRECTIVE) === 'replace')) return additions
  const merged = deleted.size === 0 ? [...original] : original.filter((each) => !deleted.has(keyed(each)))
  const places = new Map<unknown, number>()
  if (additions.length > 0) for (const [at, each] of merged.entries()) if (!places.has(keyed(each))) places.set(keyed(each), at)
  for (const addition of additions) {
    const key = identity(addition)
    const at = places.get(key)
    if (at !== undefined) merged[at] = mergeObject(merged[at] as JsonObject, addition, field.items)
    else places.set(key, merged.push(addition) - 1)
  }
  return inOrder(merged, additions, original, identity)
}

/** Merges the list that `$setElementOrder/<field>` speaks of, and sorts it; the patch's own list is used up by that. */
function orderList(original: JsonObject, patch: JsonObject, directive: string, schema: SchemaNode | undefined): void {
  const key = directive.slice(ELEMENT_ORDER.length)
  const order = patch[directive]
  const additions = own(patch, key) ?? []
  const present = own(original, key)
  delete patch[directive]
  if (!Array.isArray(order) || !Array.isArray(additions)) throw bad('invalid patch format of setElementOrder list')
  const field = fieldOf(schema, key)
  const mergeKey = field?.patchMergeKey
  checkOrder(additions, order, mergeKey)
  delete patch[key]
  if (present === undefined && additions.length === 0) return
  const before = Array.isArray(present) ? present : []
  let merged = before
  if (additions.length > 0) {
    if (Array.isArray(present)) merged = field && strategyOf(field) === 'merge' ? mergeList(before, additions, field) : additions
    else merged = withoutDirectives(withoutNulls(additions)) as unknown[]
  }
  setOwn(original, key, inOrder(merged, order, before, identityBy(mergeKey)))
}

/** Items of the patch must be named by the order, in that order. */
function checkOrder(additions: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  const identity = identityBy(mergeKey)
  if (mergeKey !== undefined) for (const item of [...additions, ...order]) if (!hasDirective(item)) keyedObject(item, mergeKey)
  const rest = additions.filter((item) => !hasDirective(item))
  if (order.length === 0 || rest.length === 0) return
  let next = 0
  for (const item of order) if (next < rest.length && identity(item) === identity(rest[next])) next++
  if (next < rest.length) {
    throw bad(`The order in patch list:\n${JSON.stringify(additions)}\n doesn't match $setElementOrder list:\n${JSON.stringify(order)}\n`)
  }
}

function deleteScalars(original: JsonObject, key: string, values: unknown): void {
  const present = own(original, key)
  if (!Array.isArray(values)) throw bad('invalid patch format of primitive list')
  if (!Array.isArray(present)) return
  const unwanted = new Set<unknown>(values)
  setOwn(
    original,
    key,
    present.filter((item) => !unwanted.has(item)),
  )
}

function retainKeys(original: JsonObject, patch: JsonObject): void {
  const kept = own(patch, RETAIN_KEYS)
  if (kept === undefined) return
  delete patch[RETAIN_KEYS]
  if (!Array.isArray(kept)) throw bad('invalid patch format of retainKeys')
  const keys = new Set<unknown>(kept)
  for (const [key, value] of Object.entries(patch)) {
    const isDirective = key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_SCALARS)
    if (value !== null && !isDirective && !keys.has(key)) throw bad('invalid patch format of retainKeys')
  }
  for (const key of Object.keys(original)) if (!keys.has(key)) delete original[key]
}

function fieldOf(schema: SchemaNode | undefined, key: string): SchemaNode | undefined {
  return schema?.fields.get(key) ?? schema?.values
}

/** `retainKeys` may stand beside the strategy proper and is only a wish for clients. */
function strategyOf(field: SchemaNode | undefined): string | undefined {
  return field?.patchStrategies.find((each) => each !== 'retainKeys')
}

function keyedObject(item: unknown, mergeKey: string): JsonObject {
  if (!isObject(item)) throw bad(`expected an object in a list merged by ${mergeKey}, but received ${JSON.stringify(item)}`)
  if (!Object.hasOwn(item, mergeKey)) throw bad(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
  return item
}

function hasDirective(item: unknown): boolean {
  return isObject(item) && Object.hasOwn(item, DIRECTIVE)
}

function setOrDelete(object: JsonObject, key: string, value: unknown): void {
  if (value === undefined) delete object[key]
  else setOwn(object, key, value)
}

/** What is added where nothing was: objects that are directives go, wherever they are. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((item) => item !== undefined)
  if (!isObject(value)) return value
  if (hasDirective(value)) return undefined
  for (const [key, item] of Object.entries(value)) {
    if (key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_SCALARS)) delete value[key]
    else setOrDelete(value, key, withoutDirectives(item))
  }
  return value
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) for (const item of value) withoutNulls(item)
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (item === null) delete value[key]
      else withoutNulls(item)
    }
  }
  return value
}

function bad(message: string): StatusError {
  return new StatusError('BadRequest', message)
}
