/** Order and membership of merged lists, told apart by a merge key (objects) or by themselves (scalars). */
import { isObject } from './json-value.ts'

/** What identifies an item: its merge key's value, or itself. */
export type Identity = (item: unknown) => unknown

/** @param mergeKey undefined for lists of scalars */
export function identityBy(mergeKey: string | undefined): Identity {
  return mergeKey === undefined ? (item) => item : (item) => (isObject(item) && Object.hasOwn(item, mergeKey) ? item[mergeKey] : undefined)
}

/**
 * Orders a merged list: items named in `wanted` in that order, the others in the order they had on the server (`before`),
 * the two woven together so that an item only the server knows keeps its place before the items it stood before.
 */
export function inOrder(merged: readonly unknown[], wanted: readonly unknown[], before: readonly unknown[], identity: Identity): unknown[] {
  const wantedRank = ranks(wanted, identity)
  const beforeRank = ranks(before, identity)
  const rank = (map: Map<unknown, number>, item: unknown) => map.get(identity(item)) ?? -1
  const named = merged.filter((item) => wantedRank.has(identity(item))).sort((a, b) => rank(wantedRank, a) - rank(wantedRank, b))
  const others = merged.filter((item) => !wantedRank.has(identity(item))).sort((a, b) => rank(beforeRank, a) - rank(beforeRank, b))
  const result: unknown[] = []
  let next = 0
  for (const item of others) {
    while (next < named.length && !standsBefore(rank(beforeRank, item), rank(beforeRank, named[next]))) result.push(named[next++])
    result.push(item)
  }
  return [...result, ...named.slice(next)]
}

function standsBefore(item: number, other: number): boolean {
  return item >= 0 && other >= 0 && item < other
}

function ranks(items: readonly unknown[], identity: Identity): Map<unknown, number> {
  const map = new Map<unknown, number>()
  for (const [index, item] of items.entries()) if (!map.has(identity(item))) map.set(identity(item), index)
  return map
}
