import type { Shape } from './shape.ts'

type JsonObject = Record<string, unknown>

/**
 * Fills in the defaults of a structural schema, in place. A null where none is allowed counts as absent: the default takes its place, or
 * it is dropped where there is none.
 */
export function fillIn(value: unknown, shape: Shape): void {
  if (!shape.fills) return
  if (Array.isArray(value)) {
    const { items } = shape
    if (!items) return
    for (const [index, item] of value.entries()) {
      if (item === null && !items.isNullable && items.default !== undefined) value[index] = structuredClone(items.default)
      fillIn(value[index], items)
    }
    return
  }
  if (typeof value !== 'object' || value === null) return
  const given = value as JsonObject
  for (const [name, field] of shape.properties) fillProperty(given, name, field)
  const { values } = shape
  if (typeof values !== 'object') return
  for (const key of Object.keys(given)) if (!shape.properties.has(key)) fillProperty(given, key, values, true)
}

function fillProperty(given: JsonObject, name: string, field: Shape, isThere = Object.hasOwn(given, name)): void {
  const value = isThere ? given[name] : undefined
  const isAbsent = value === undefined || (value === null && !field.isNullable)
  if (isAbsent) {
    if (field.default === undefined) {
      if (value === null) delete given[name]
      return
    }
    set(given, name, structuredClone(field.default))
  }
  fillIn(given[name], field)
}

/** `__proto__` is data here. */
function set(given: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(given, name, { value, enumerable: true, configurable: true, writable: true })
}
