import type { Shape } from './owned-shape.ts'
import { fieldElement, pathText } from './path-element.ts'

/** Places told of one value. */
const MOST_PLACES = 20

/**
 * Where a value has lists or objects that are owned as a whole: applying them would take away what they do not say. As upstream, items of lists
 * and fields are looked at, values under free keys are not.
 */
export function atomicParts(shape: Shape, value: unknown): readonly string[] {
  const found: string[] = []
  walk(shape, value, '', found)
  return found
}

function walk(shape: Shape, value: unknown, path: string, found: string[]): void {
  if (typeof value !== 'object' || value === null || found.length >= MOST_PLACES) return
  const isWhole = shape.kind === 'leaf' || (shape.kind === 'open' && Array.isArray(value))
  if (isWhole) {
    found.push(path)
    return
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) if (shape.below) walk(shape.below, item, `${path}[${index}]`, found)
    return
  }
  for (const [name, item] of Object.entries(value)) {
    const field = shape.field(name)
    if (field) walk(field.shape, item, path + pathText([fieldElement(name)]), found)
  }
}
