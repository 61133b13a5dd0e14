import { isObject, type JsonObject, setOwn } from '../patch/json-value.ts'
import type { FieldSet } from './field-set.ts'
import type { Shape } from './owned-shape.ts'
import { fieldElement, keyElement, valueElement } from './path-element.ts'

/** A value without the places of a set; null where nothing is left of it. What is owned as a whole stays whole. The value is not changed. */
export function removeFields(shape: Shape, value: unknown, unwanted: FieldSet): unknown {
  if (unwanted.isEmpty) return value
  switch (shape.kind) {
    case 'leaf':
      return value
    case 'set':
    case 'keyed':
      return Array.isArray(value) && value.length > 0 ? withoutItems(shape, value, unwanted) : value
    default:
      return isObject(value) ? withoutKeys(shape, value, unwanted) : value
  }
}

function withoutKeys(shape: Shape, value: JsonObject, unwanted: FieldSet): unknown {
  const left: JsonObject = {}
  let count = 0
  for (const name of Object.keys(value)) {
    const field = shape.field(name)
    const gone = unwanted.children.get(field?.element ?? fieldElement(name))
    if (gone?.isMember) continue
    const below = field?.shape ?? shape.below
    setOwn(left, name, gone && below ? removeFields(below, value[name], gone) : value[name])
    count++
  }
  return count > 0 ? left : null
}

function withoutItems(shape: Shape, items: readonly unknown[], unwanted: FieldSet): unknown {
  const left: unknown[] = []
  for (const item of items) {
    const element = shape.kind === 'set' ? valueElement(item) : keyElement(item, shape.keys)
    const gone = element === undefined ? undefined : unwanted.children.get(element)
    if (gone?.isMember) continue
    const kept = gone ? removeFields(shape.below!, item, gone) : item
    if (kept !== null) left.push(kept)
  }
  return left.length > 0 ? left : null
}
