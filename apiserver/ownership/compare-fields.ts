import { sameValue } from '../registry/same-value.ts'
import { FieldSet, FieldSetBuilder } from './field-set.ts'
import type { Shape } from './owned-shape.ts'
import { fieldElement, keyElement, valueElement } from './path-element.ts'

/** How two states of an object differ, by the places that ownership knows. */
export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

interface Walk {
  readonly path: string[]
  added: FieldSetBuilder | undefined
  modified: FieldSetBuilder | undefined
  removed: FieldSetBuilder | undefined
}

type JsonObject = Readonly<Record<string, unknown>>

const nothing: JsonObject = {}

/**
 * Compares as structured-merge-diff does: a place that is there on one side only is added or removed with everything in it; empty and null
 * containers are told apart; an item that is twice in a list of unique items is compared as one value.
 */
export function compareFields(shape: Shape, before: unknown, after: unknown): Comparison {
  const walk: Walk = { path: [], added: undefined, modified: undefined, removed: undefined }
  compare(shape, before, after, walk)
  const built = (builder: FieldSetBuilder | undefined) => builder?.build() ?? FieldSet.empty
  return { added: built(walk.added), modified: built(walk.modified), removed: built(walk.removed) }
}

function compare(shape: Shape, before: unknown, after: unknown, walk: Walk): void {
  if (before === after) return
  if (before === undefined) inside(shape, before, after, walk)
  else if (after === undefined) inside(shape, before, after, walk)
  else {
    if (isDeadEnd(shape, before, after)) {
      if (!sameValue(before, after)) insert(walk, 'modified')
      return
    }
    inside(shape, before, after, walk)
    return
  }
  insert(walk, before === undefined ? 'added' : 'removed')
}

/** Owned as one value on both sides. */
function isDeadEnd(shape: Shape, before: unknown, after: unknown): boolean {
  switch (shape.kind) {
    case 'leaf':
      return true
    case 'set':
    case 'keyed':
      return listOf(before).length === 0 && listOf(after).length === 0
    default:
      return isBare(before) && isBare(after)
  }
}

function inside(shape: Shape, before: unknown, after: unknown, walk: Walk): void {
  switch (shape.kind) {
    case 'leaf':
      return
    case 'set':
    case 'keyed':
      return compareItems(shape, listOf(before), listOf(after), walk)
    case 'open':
      // Of two natures: one value in place of another, besides what was or is in it. Null is of any.
      if ((before ?? null) !== null && (after ?? null) !== null && isMap(before) !== isMap(after)) insert(walk, 'modified')
      return compareKeys(shape, mapOf(before), mapOf(after), walk)
    default:
      return compareKeys(shape, mapOf(before), mapOf(after), walk)
  }
}

function compareKeys(shape: Shape, before: JsonObject, after: JsonObject, walk: Walk): void {
  for (const name in after) {
    const value = after[name]
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (old !== value) compareField(shape, name, old, value, walk)
  }
  for (const name in before) {
    if (before[name] !== undefined && (!Object.hasOwn(after, name) || after[name] === undefined)) {
      compareField(shape, name, before[name], undefined, walk)
    }
  }
}

function compareField(shape: Shape, name: string, before: unknown, after: unknown, walk: Walk): void {
  const field = shape.field(name)
  const below = field?.shape ?? shape.below
  if (!below) return
  walk.path.push(field?.element ?? fieldElement(name))
  compare(below, before, after, walk)
  walk.path.pop()
}

function compareItems(shape: Shape, before: readonly unknown[], after: readonly unknown[], walk: Walk): void {
  const old = itemsByElement(shape, before)
  const now = itemsByElement(shape, after)
  for (const [element, item] of now) {
    walk.path.push(element)
    compareItem(shape.below!, old.get(element), item, walk)
    walk.path.pop()
  }
  for (const [element, item] of old) {
    if (now.has(element)) continue
    walk.path.push(element)
    compareItem(shape.below!, item, undefined, walk)
    walk.path.pop()
  }
}

function compareItem(below: Shape, before: Items | undefined, after: Items | undefined, walk: Walk): void {
  if ((before?.length ?? 0) <= 1 && (after?.length ?? 0) <= 1) return compare(below, before?.[0], after?.[0], walk)
  if (sameValue(before, after)) return
  insert(walk, before === undefined ? 'added' : after === undefined ? 'removed' : 'modified')
}

type Items = readonly [unknown, ...unknown[]]

/** Items with equal keys stand together; those without keys are nobody's. */
function itemsByElement(shape: Shape, items: readonly unknown[]): Map<string, Items> {
  const found = new Map<string, [unknown, ...unknown[]]>()
  for (const item of items) {
    const element = shape.kind === 'set' ? valueElement(item) : keyElement(item, shape.keys)
    if (element === undefined) continue
    const known = found.get(element)
    if (known) known.push(item)
    else found.set(element, [item])
  }
  return found
}

function insert(walk: Walk, how: 'added' | 'modified' | 'removed'): void {
  walk[how] ??= new FieldSetBuilder()
  walk[how].insert(walk.path)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isMap(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function mapOf(value: unknown): JsonObject {
  return isMap(value) ? value : nothing
}

function isBare(value: unknown): boolean {
  if (!isMap(value)) return true
  for (const _ in value) return false
  return true
}
