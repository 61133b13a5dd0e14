import { double, fn, int, list, noOverload, type Overload, uint } from '../define.ts'
import { isNumeric, order } from '../equality.ts'
import { MAX_UINT, MIN_INT } from '../literals.ts'
import type { Meter } from '../meter.ts'
import { boolType, doubleType, dyn, intType, uintType } from '../type.ts'
import { CelError, UnsignedInt, type Value } from '../value.ts'

function extreme(items: Iterable<Value>, name: string, direction: 1 | -1, meter: Meter): Value {
  let found: Value | undefined
  for (const item of items) {
    if (!isNumeric(item)) return noOverload()
    const compared = found === undefined ? -1 : order(item, found, meter)
    if (typeof compared !== 'number') return compared
    if (found === undefined || compared * direction < 0) found = item
  }
  return found ?? new CelError(`math.@${name}(list) argument must not be empty`)
}

function extremes(function_: string, name: string, direction: 1 | -1): Overload[] {
  const numbers = [int, uint, double] as const
  const run = (items: Iterable<Value>, meter: Meter) => extreme(items, name, direction, meter)
  return [
    ...numbers.map((each) => fn(function_, [each], each.type, ([value]) => value)),
    ...numbers.flatMap((left) =>
      numbers.map((right) => fn(function_, [left, right], left === right ? left.type : dyn, (pair, meter) => run(pair, meter))),
    ),
    ...numbers.map((each) =>
      fn(
        function_,
        [list(each.type)],
        each.type,
        ([items], meter) => run(items, meter),
        ([size]) => Math.max(1, size!),
      ),
    ),
  ]
}

/** Half away from zero, as Go rounds. */
function rounded(value: number): number {
  const whole = Math.trunc(value)
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole
}

function shifted(value: bigint, by: bigint, isLeft: boolean): bigint | CelError {
  if (by < 0n) return new CelError(`math.${isLeft ? 'bitShiftLeft' : 'bitShiftRight'}() negative offset: ${by}`)
  if (by > 63n) return 0n
  return isLeft ? value << by : BigInt.asUintN(64, value) >> by
}

const signed = (value: bigint | CelError): Value => (value instanceof CelError ? value : BigInt.asIntN(64, value))
const unsigned = (value: bigint | CelError): Value => (value instanceof CelError ? value : new UnsignedInt(BigInt.asUintN(64, value)))

const rounding: readonly Overload[] = [
  fn('math.ceil', [double], doubleType, ([value]) => Math.ceil(value)),
  fn('math.floor', [double], doubleType, ([value]) => Math.floor(value)),
  fn('math.round', [double], doubleType, ([value]) => rounded(value)),
  fn('math.trunc', [double], doubleType, ([value]) => Math.trunc(value)),
  fn('math.sqrt', [double], doubleType, ([value]) => Math.sqrt(value)),
  fn('math.sqrt', [int], doubleType, ([value]) => Math.sqrt(Number(value))),
  fn('math.sqrt', [uint], doubleType, ([{ value }]) => Math.sqrt(Number(value))),
  fn('math.abs', [double], doubleType, ([value]) => Math.abs(value)),
  fn('math.abs', [int], intType, ([value]) => (value === MIN_INT ? new CelError('integer overflow') : value < 0n ? -value : value)),
  fn('math.abs', [uint], uintType, ([value]) => value),
  fn('math.sign', [double], doubleType, ([value]) => Math.sign(value)),
  fn('math.sign', [int], intType, ([value]) => (value > 0n ? 1n : value < 0n ? -1n : 0n)),
  fn('math.sign', [uint], uintType, ([{ value }]) => new UnsignedInt(value > 0n ? 1n : 0n)),
  fn('math.isNaN', [double], boolType, ([value]) => Number.isNaN(value)),
  fn('math.isInf', [double], boolType, ([value]) => Math.abs(value) === Number.POSITIVE_INFINITY),
  fn('math.isFinite', [double], boolType, ([value]) => Number.isFinite(value)),
]

const bits: readonly Overload[] = [
  fn('math.bitAnd', [int, int], intType, ([a, b]) => a & b),
  fn('math.bitAnd', [uint, uint], uintType, ([a, b]) => new UnsignedInt(a.value & b.value)),
  fn('math.bitOr', [int, int], intType, ([a, b]) => a | b),
  fn('math.bitOr', [uint, uint], uintType, ([a, b]) => new UnsignedInt(a.value | b.value)),
  fn('math.bitXor', [int, int], intType, ([a, b]) => a ^ b),
  fn('math.bitXor', [uint, uint], uintType, ([a, b]) => new UnsignedInt(a.value ^ b.value)),
  fn('math.bitNot', [int], intType, ([value]) => ~value),
  fn('math.bitNot', [uint], uintType, ([{ value }]) => new UnsignedInt(MAX_UINT - value)),
  fn('math.bitShiftLeft', [int, int], intType, ([value, by]) => signed(shifted(value, by, true))),
  fn('math.bitShiftLeft', [uint, int], uintType, ([{ value }, by]) => unsigned(shifted(value, by, true))),
  fn('math.bitShiftRight', [int, int], intType, ([value, by]) => signed(shifted(value, by, false))),
  fn('math.bitShiftRight', [uint, int], uintType, ([{ value }, by]) => unsigned(shifted(value, by, false))),
]

/** cel-go's extension for numbers. */
export const math: readonly Overload[] = [
  ...extremes('math.greatest', 'max', -1),
  ...extremes('math.least', 'min', 1),
  ...rounding,
  ...bits,
]
