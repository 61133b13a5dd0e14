import { characterCount } from '../code-points.ts'
import { any, bool, bytes, double, duration, fn, int, K, list, map, method, type Overload, string, T, timestamp, uint } from '../define.ts'
import { isEqual, order } from '../equality.ts'
import { joined } from '../joined-list.ts'
import { celLimits } from '../limits.ts'
import { MAX_INT, MAX_UINT, MIN_INT } from '../literals.ts'
import { type Meter, traversal } from '../meter.ts'
import { earliest, latest } from '../time-values.ts'
import { boolType, bytesType, doubleType, durationType, intType, listOf, stringType, timestampType, uintType } from '../type.ts'
import { CelError, type CelList, Duration, Timestamp, UnsignedInt, type Value, ValueList } from '../value.ts'

const smaller = (sizes: readonly number[]) => traversal(Math.min(sizes[0]!, sizes[1]!))
const both = (sizes: readonly number[]) => sizes[0]! + sizes[1]!
const bothTraversed = { cost: (sizes: readonly number[]) => traversal(both(sizes)), size: both }

function checkedInt(value: bigint): Value {
  return value < MIN_INT || value > MAX_INT ? new CelError('integer overflow') : value
}

function checkedUint(value: bigint): Value {
  return value < 0n || value > MAX_UINT ? new CelError('unsigned integer overflow') : new UnsignedInt(value)
}

/** A span of Go: 63 bits of nanoseconds. */
function checkedDuration(value: bigint): Value {
  return value < MIN_INT || value > MAX_INT ? new CelError('duration overflow') : new Duration(value)
}

function checkedTimestamp(value: bigint): Value {
  return value < earliest || value > latest ? new CelError('timestamp overflow') : new Timestamp(value)
}

const arithmetic: readonly Overload[] = [
  fn('_+_', [int, int], intType, ([a, b]) => checkedInt(a + b)),
  fn('_+_', [uint, uint], uintType, ([a, b]) => checkedUint(a.value + b.value)),
  fn('_+_', [double, double], doubleType, ([a, b]) => a + b),
  fn('_+_', [string, string], stringType, ([a, b]) => longText(a.length + b.length) ?? a + b, bothTraversed),
  fn('_+_', [bytes, bytes], bytesType, ([a, b]) => longText(a.length + b.length) ?? new Uint8Array(Buffer.concat([a, b])), bothTraversed),
  fn('_+_', [list(), list()], listOf(T), ([a, b], meter) => concatenated(a, b, meter), { cost: () => 1, size: both }),
  fn('_+_', [timestamp, duration], timestampType, ([a, b]) => checkedTimestamp(a.nanoseconds + b.nanoseconds)),
  fn('_+_', [duration, timestamp], timestampType, ([a, b]) => checkedTimestamp(a.nanoseconds + b.nanoseconds)),
  fn('_+_', [duration, duration], durationType, ([a, b]) => checkedDuration(a.nanoseconds + b.nanoseconds)),
  fn('_-_', [int, int], intType, ([a, b]) => checkedInt(a - b)),
  fn('_-_', [uint, uint], uintType, ([a, b]) => checkedUint(a.value - b.value)),
  fn('_-_', [double, double], doubleType, ([a, b]) => a - b),
  fn('_-_', [timestamp, timestamp], durationType, ([a, b]) => checkedDuration(a.nanoseconds - b.nanoseconds)),
  fn('_-_', [timestamp, duration], timestampType, ([a, b]) => checkedTimestamp(a.nanoseconds - b.nanoseconds)),
  fn('_-_', [duration, duration], durationType, ([a, b]) => checkedDuration(a.nanoseconds - b.nanoseconds)),
  fn('_*_', [int, int], intType, ([a, b]) => checkedInt(a * b)),
  fn('_*_', [uint, uint], uintType, ([a, b]) => checkedUint(a.value * b.value)),
  fn('_*_', [double, double], doubleType, ([a, b]) => a * b),
  fn('_/_', [int, int], intType, ([a, b]) => (b === 0n ? new CelError('division by zero') : checkedInt(a / b))),
  fn('_/_', [uint, uint], uintType, ([a, b]) => (b.value === 0n ? new CelError('division by zero') : checkedUint(a.value / b.value))),
  fn('_/_', [double, double], doubleType, ([a, b]) => a / b),
  fn('_%_', [int, int], intType, ([a, b]) =>
    b === 0n ? new CelError('modulus by zero') : a === MIN_INT && b === -1n ? new CelError('integer overflow') : a % b,
  ),
  fn('_%_', [uint, uint], uintType, ([a, b]) => (b.value === 0n ? new CelError('modulus by zero') : checkedUint(a.value % b.value))),
  fn('-_', [int], intType, ([a]) => checkedInt(-a)),
  fn('-_', [double], doubleType, ([a]) => -a),
  fn('-_', [duration], durationType, ([a]) => checkedDuration(-a.nanoseconds)),
  fn('!_', [bool], boolType, ([a]) => !a),
]

function longText(length: number): CelError | undefined {
  return length > celLimits.text ? new CelError(`the text would have more than ${celLimits.text} characters`) : undefined
}

function concatenated(a: CelList, b: CelList, meter: Meter): Value {
  if (a.size + b.size > celLimits.items) return new CelError(`the list would have more than ${celLimits.items} items`)
  meter.charge(traversal(a.size + b.size))
  return a.keys === undefined ? new ValueList([...a, ...b]) : joined(a, b, a.keys, meter)
}

const ordered = [bool, string, bytes, timestamp, duration] as const
const numbers = [int, uint, double] as const

function comparison(name: string, holds: (order: number) => boolean): Overload[] {
  const run = ([a, b]: readonly [Value, Value], meter: Meter): Value => {
    const found = order(a, b, meter)
    return typeof found === 'number' ? holds(found) : found
  }
  // Texts and bytes cost what is looked at; everything else a unit.
  return [
    ...ordered.map((each) => fn(name, [each, each], boolType, run, each === string || each === bytes ? smaller : undefined)),
    ...numbers.flatMap((left) => numbers.map((right) => fn(name, [left, right], boolType, run))),
  ]
}

const comparisons: readonly Overload[] = [
  ...comparison('_<_', (found) => found < 0),
  ...comparison('_<=_', (found) => found <= 0),
  ...comparison('_>_', (found) => found > 0),
  ...comparison('_>=_', (found) => found >= 0),
  fn('_==_', [any(), any()], boolType, ([a, b], meter) => isEqual(a, b, meter), smaller),
  fn('_!=_', [any(), any()], boolType, ([a, b], meter) => !isEqual(a, b, meter), smaller),
]

const containment: readonly Overload[] = [
  fn(
    '@in',
    [any(), list()],
    boolType,
    ([wanted, items], meter) => {
      for (const item of items) if (isEqual(item, wanted, meter)) return true
      return false
    },
    ([, size]) => size!,
  ),
  fn('@in', [any(K), map()], boolType, ([key, entries]) => entries.get(key) !== undefined),
  fn(
    'size',
    [string],
    intType,
    ([text]) => BigInt(characterCount(text)),
    ([size]) => Math.max(1, traversal(size!)),
  ),
  fn('size', [bytes], intType, ([value]) => BigInt(value.length)),
  fn('size', [list()], intType, ([items]) => BigInt(items.size)),
  fn('size', [map()], intType, ([entries]) => BigInt(entries.size)),
  method(
    'size',
    [string],
    intType,
    ([text]) => BigInt(characterCount(text)),
    ([size]) => Math.max(1, traversal(size!)),
  ),
  method('size', [bytes], intType, ([value]) => BigInt(value.length)),
  method('size', [list()], intType, ([items]) => BigInt(items.size)),
  method('size', [map()], intType, ([entries]) => BigInt(entries.size)),
]

/** Operators, comparisons and `size`. Those that do not evaluate all their arguments are declared in `lazy.ts`. */
export const operators: readonly Overload[] = [...arithmetic, ...comparisons, ...containment]
