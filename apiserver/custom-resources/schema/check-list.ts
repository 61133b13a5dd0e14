import { fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Check } from './check.ts'
import { canonical, type Shape } from './shape.ts'

export function checkList(items: readonly unknown[], shape: Shape, path: string, check: Check): void {
  const { found } = check
  const { minItems, maxItems } = shape.bounds
  if (maxItems !== undefined && items.length > maxItems) found.push(fieldProblem.tooMany(path, items.length, maxItems))
  if (minItems !== undefined && items.length < minItems) {
    found.push(fieldProblem.invalid(path, items.length, `${path} in body should have at least ${minItems} items`))
  }
  if (shape.items) for (const [index, item] of items.entries()) check.walk(item, shape.items, `${path}[${index}]`, check)
  if (shape.listType === 'set' || shape.listType === 'map') checkDistinct(items, shape, path, check)
}

/** Items of a set, or the keys of a map written as a list, are there once. */
function checkDistinct(items: readonly unknown[], shape: Shape, path: string, { found, budget }: Check): void {
  const seen = new Set<string>()
  for (const [index, item] of items.entries()) {
    const key = shape.listType === 'map' ? keyOf(item, shape) : item
    const text = canonical(key)
    if (!budget.spend(1 + text.length / 16)) return
    if (seen.has(text)) found.push(fieldProblem.duplicate(`${path}[${index}]`, key))
    seen.add(text)
  }
}

function keyOf(item: unknown, { items, listMapKeys }: Shape): Record<string, unknown> {
  const key: Record<string, unknown> = {}
  if (typeof item !== 'object' || item === null) return key
  for (const name of listMapKeys) {
    const value = Object.hasOwn(item, name) ? Reflect.get(item, name) : items?.properties.get(name)?.default
    if (value !== undefined) key[name] = value
  }
  return key
}
