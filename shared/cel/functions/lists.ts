import { any, fn, int, list, method, noOverload, type Overload, T } from '../define.ts'
import { isEqual, order } from '../equality.ts'
import { celLimits } from '../limits.ts'
import type { Meter } from '../meter.ts'
import * as types from '../type.ts'
import { CelError, CelList, Duration, none, OptionalValue, UnsignedInt, type Value, ValueList } from '../value.ts'
import { ValueSet } from '../value-set.ts'
import { operators } from './operators.ts'

const { boolType, doubleType, durationType, intType, listOf, optionalOf, stringType, uintType } = types
const walk = ([size]: readonly number[]) => Math.max(1, size!)
const walked = { cost: walk, size: ([size]: readonly number[]) => size! }
const comparable = [intType, uintType, doubleType, types.boolType, durationType, types.timestampType, stringType, types.bytesType]

const additions = operators.filter(({ name }) => name === '_+_')

function sum(items: CelList, meter: Meter): Value {
  let total: Value | undefined
  for (const item of items) {
    if (total === undefined) {
      if (!(typeof item === 'bigint' || typeof item === 'number' || item instanceof UnsignedInt || item instanceof Duration))
        return noOverload()
      total = item
      continue
    }
    const pair: Value[] = [total, item]
    total = additions.find((each) => each.fits(pair))?.call(pair, meter) ?? noOverload()
    if (total instanceof CelError) return total
  }
  return total ?? 0n
}

/** An empty list of another type than int has the zero of its type. */
const zeros: readonly (readonly [types.CelType, Value])[] = [
  [intType, 0n],
  [uintType, new UnsignedInt(0n)],
  [doubleType, 0],
  [durationType, new Duration(0n)],
]

/** The first in order of the items: with `direction` -1 the last. */
function extreme(items: CelList, name: string, direction: 1 | -1, meter: Meter): Value {
  let found: Value | undefined
  for (const item of items) {
    const compared = found === undefined ? -1 : order(item, found, meter)
    if (compared instanceof CelError) return compared
    if (compared * direction < 0 || found === undefined) found = item
  }
  return found === undefined ? new CelError(`${name} called on empty list`) : found
}

function isSorted(items: CelList, meter: Meter): Value {
  let previous: Value | undefined
  for (const item of items) {
    const compared = previous === undefined ? 0 : order(previous, item, meter)
    if (compared instanceof CelError) return compared
    if (compared > 0) return false
    previous = item
  }
  return true
}

function indexOf(items: CelList, wanted: Value, isLast: boolean, meter: Meter): Value {
  for (let step = 0; step < items.size; step++) {
    const index = isLast ? items.size - 1 - step : step
    if (isEqual(items.at(index), wanted, meter)) return BigInt(index)
  }
  return -1n
}

function slice(items: CelList, start: bigint, end: bigint): Value {
  const size = BigInt(items.size)
  if (start < 0n || end < 0n) return new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`)
  if (start > end) return new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`)
  if (end > size) return new CelError(`cannot slice(${start}, ${end}), list is length ${size}`)
  return new ValueList([...items].slice(Number(start), Number(end)))
}

function sorted(items: CelList, meter: Meter): Value {
  let failure: CelError | undefined
  const found = [...items].sort((a, b) => {
    const compared = order(a, b, meter)
    if (typeof compared === 'number') return Number.isNaN(compared) ? 0 : compared
    failure ??= compared
    return 0
  })
  return failure ?? new ValueList(found)
}

function flattened(items: CelList, depth: bigint, meter: Meter): Value {
  if (depth < 0n) return new CelError('level must be non-negative')
  const found: Value[] = []
  const add = (each: CelList, left: bigint): void => {
    for (const item of each) {
      meter.charge(1)
      if (item instanceof CelList && left > 0n) add(item, left - 1n)
      else found.push(item)
    }
  }
  add(items, depth > BigInt(celLimits.depth) ? BigInt(celLimits.depth) : depth)
  return new ValueList(found)
}

function range(count: bigint, meter: Meter): Value {
  if (count > BigInt(celLimits.items)) return new CelError(`the list would have more than ${celLimits.items} items`)
  const size = Math.max(0, Number(count))
  meter.charge(size)
  return new ValueList(Array.from({ length: size }, (_, index) => BigInt(index)))
}

function distinct(items: CelList, meter: Meter): Value {
  const seen = new ValueSet(meter)
  return new ValueList([...items].filter((item) => seen.add(item)))
}

/** Functions of lists: Kubernetes' own and cel-go's extension. */
export const lists: readonly Overload[] = [
  ...zeros.map(([type, zero]) =>
    method('sum', [list(type)], type, ([items], meter) => (items.size === 0 ? zero : sum(items, meter)), walk),
  ),
  ...comparable.flatMap((type) => [
    method('min', [list(type)], type, ([items], meter) => extreme(items, 'min', 1, meter), walk),
    method('max', [list(type)], type, ([items], meter) => extreme(items, 'max', -1, meter), walk),
    method('isSorted', [list(type)], boolType, ([items], meter) => isSorted(items, meter), walk),
    method('sort', [list(type)], listOf(type), ([items], meter) => sorted(items, meter), walked),
  ]),
  method('indexOf', [list(), any()], intType, ([items, wanted], meter) => indexOf(items, wanted, false, meter), walk),
  method('lastIndexOf', [list(), any()], intType, ([items, wanted], meter) => indexOf(items, wanted, true, meter), walk),
  method('slice', [list(), int, int], listOf(T), ([items, start, end]) => slice(items, start, end), walked),
  method('flatten', [list(listOf(T))], listOf(T), ([items], meter) => flattened(items, 1n, meter), walked),
  method('flatten', [list(types.dyn)], listOf(types.dyn), ([items], meter) => flattened(items, 1n, meter), walked),
  method('flatten', [list(types.dyn), int], listOf(types.dyn), ([items, depth], meter) => flattened(items, depth, meter), walked),
  method('distinct', [list()], listOf(T), ([items], meter) => distinct(items, meter), walked),
  method('reverse', [list()], listOf(T), ([items]) => new ValueList([...items].reverse()), walked),
  method('first', [list()], optionalOf(T), ([items]) => (items.size === 0 ? none : new OptionalValue(items.at(0)))),
  method('last', [list()], optionalOf(T), ([items]) => (items.size === 0 ? none : new OptionalValue(items.at(items.size - 1)))),
  fn('lists.range', [int], listOf(intType), ([count], meter) => range(count, meter), { cost: () => 1, size: () => celLimits.items }),
]
