import { fn, list, type Overload } from '../define.ts'
import type { Meter } from '../meter.ts'
import { boolType } from '../type.ts'
import type { CelList } from '../value.ts'
import { ValueSet } from '../value-set.ts'

const cost = ([a, b]: readonly number[]) => Math.max(1, a! * b!)

function contains(whole: CelList, part: CelList, meter: Meter): boolean {
  const known = new ValueSet(meter, whole)
  for (const item of part) if (!known.has(item)) return false
  return true
}

function intersects(a: CelList, b: CelList, meter: Meter): boolean {
  const known = new ValueSet(meter, a)
  for (const item of b) if (known.has(item)) return true
  return false
}

/** Lists as sets: cel-go's extension. */
export const sets: readonly Overload[] = [
  fn('sets.contains', [list(), list()], boolType, ([whole, part], meter) => contains(whole, part, meter), cost),
  fn('sets.equivalent', [list(), list()], boolType, ([a, b], meter) => contains(a, b, meter) && contains(b, a, meter), cost),
  fn('sets.intersects', [list(), list()], boolType, ([a, b], meter) => intersects(a, b, meter), cost),
]
