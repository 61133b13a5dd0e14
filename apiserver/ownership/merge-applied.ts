import { isObject, type JsonObject, own, setOwn } from '../patch/json-value.ts'
import type { Shape } from './owned-shape.ts'
import { keyElement, valueElement } from './path-element.ts'

/**
 * A live value with an applied one laid over it: what the applied one says wins, what it does not speak of stays. Neither is changed; the
 * result may share parts with both.
 */
export function mergeApplied(shape: Shape, live: unknown, applied: unknown): unknown {
  if (applied === undefined) return live
  if (live === undefined || live === null) return applied
  switch (shape.kind) {
    case 'leaf':
      return applied
    case 'set':
    case 'keyed':
      return Array.isArray(live) && (Array.isArray(applied) || applied === null) ? mergeItems(shape, live, applied ?? []) : applied
    default:
      return isObject(live) && (isObject(applied) || (applied === null && shape.kind !== 'open'))
        ? mergeKeys(shape, live, applied ?? {})
        : applied
  }
}

function mergeKeys(shape: Shape, live: JsonObject, applied: JsonObject): JsonObject {
  const merged: JsonObject = { ...live }
  for (const name of Object.keys(applied)) {
    const below = shape.field(name)?.shape ?? shape.below
    setOwn(merged, name, below ? mergeApplied(below, own(live, name), applied[name]) : applied[name])
  }
  return merged
}

/**
 * Items of both, in the order of the applied list; items that only the live list has keep their place before the item that they stood before.
 */
function mergeItems(shape: Shape, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const elementOf = (item: unknown) => (shape.kind === 'set' ? valueElement(item) : (keyElement(item, shape.keys) ?? valueElement(item)))
  const liveElements = live.map(elementOf)
  const appliedElements = applied.map(elementOf)
  const liveByElement = new Map(liveElements.map((element, index) => [element, live[index]]))
  const appliedByElement = new Map(appliedElements.map((element, index) => [element, applied[index]]))
  const shared = appliedElements.filter((element) => liveByElement.has(element))
  const done = new Set<string>()
  const merged: unknown[] = []
  const take = (element: string) => {
    done.add(element)
    const item = appliedByElement.get(element)
    merged.push(shape.kind === 'set' ? item : mergeApplied(shape.below!, liveByElement.get(element), item))
  }
  let nextShared = 0
  for (let at = 0, to = 0; at < live.length || to < applied.length; ) {
    const mine = liveElements[at]
    const theirs = appliedElements[to]
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        take(mine)
        at++
        to++
        nextShared++
        continue
      }
      if (appliedByElement.has(mine) && nextShared < shared.length && shared[nextShared] !== mine) {
        at++
        continue
      }
    }
    if (mine !== undefined) {
      if (!appliedByElement.has(mine)) {
        merged.push(live[at])
        at++
        continue
      }
      if (done.has(mine)) at++
    }
    if (theirs !== undefined) {
      if (shared[nextShared] === theirs) nextShared++
      take(theirs)
      to++
    }
  }
  return merged
}
