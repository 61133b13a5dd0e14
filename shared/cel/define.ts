import type { Meter } from './meter.ts'
import * as types from './type.ts'
import { type CelType, typeName } from './type.ts'
import { CelError, CelList, CelMap, Duration, type Opaque, OptionalValue, Timestamp, TypeValue, UnsignedInt, type Value } from './value.ts'

/** What a function takes in one place: the declared type, and how a value shows that it fits (without looking inside). */
export interface Parameter<V extends Value = Value> {
  readonly type: CelType
  readonly is: (value: Value) => value is V
}

/** One way to call a function. */
export interface Overload {
  readonly name: string
  /** Called on its first argument: `text.startsWith(prefix)`. */
  readonly isMethod: boolean
  readonly parameters: readonly CelType[]
  readonly result: CelType
  readonly costs: Costs
  fits(args: readonly Value[]): boolean
  /** To be called only with arguments that fit. Charges what `costs` say. */
  call(args: readonly Value[], meter: Meter): Value
}

/**
 * What a call costs, and how large its result is, by the sizes of its arguments: characters, bytes, items, or 1. Both grow with
 * every size. Functions charge the meter beyond that where sizes do not tell.
 */
export interface Costs {
  readonly cost: (sizes: readonly number[]) => number
  readonly size?: (sizes: readonly number[]) => number
}

const constant: Costs = { cost: () => 1 }

type Parameters<A extends readonly Value[]> = readonly [...{ [I in keyof A]: Parameter<A[I]> }]

/** A function called by its name. */
export function fn<const A extends readonly Value[]>(
  name: string,
  parameters: Parameters<A>,
  result: CelType,
  run: (args: A, meter: Meter) => Value,
  costs: Costs | Costs['cost'] = constant,
): Overload {
  return overload(name, false, parameters, result, run, costs)
}

/** A function called on its first argument. */
export function method<const A extends readonly Value[]>(
  name: string,
  parameters: Parameters<A>,
  result: CelType,
  run: (args: A, meter: Meter) => Value,
  costs: Costs | Costs['cost'] = constant,
): Overload {
  return overload(name, true, parameters, result, run, costs)
}

function overload<A extends readonly Value[]>(
  name: string,
  isMethod: boolean,
  parameters: Parameters<A>,
  result: CelType,
  run: (args: A, meter: Meter) => Value,
  costs: Costs | Costs['cost'],
): Overload {
  const declared: readonly Parameter[] = parameters
  const known = typeof costs === 'function' ? { cost: costs } : costs
  const areThese = (args: readonly Value[]): args is A =>
    args.length === declared.length && declared.every((each, index) => each.is(args[index]!))
  return {
    name,
    isMethod,
    parameters: declared.map((each) => each.type),
    result,
    costs: known,
    fits: areThese,
    call(args, meter) {
      if (!areThese(args)) return noOverload()
      meter.charge(known === constant ? 1 : known.cost(args.map(sizeOf)))
      return run(args, meter)
    },
  }
}

/** The size that costs are reckoned by. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length
  if (value instanceof CelList || value instanceof CelMap) return value.size
  if (value instanceof OptionalValue && value.value !== undefined) return sizeOf(value.value)
  return 1
}

export function noOverload(): CelError {
  return new CelError('no such overload')
}

const of = <V extends Value>(type: CelType, is: (value: Value) => value is V): Parameter<V> => ({ type, is })
const isList = (value: Value): value is CelList => value instanceof CelList
const isMap = (value: Value): value is CelMap => value instanceof CelMap
const isOptional = (value: Value): value is OptionalValue => value instanceof OptionalValue
const isAny = (_value: Value): _value is Value => true

export const T = types.parameter('T')
export const K = types.parameter('K')
export const V = types.parameter('V')
export const any = (type: CelType = T): Parameter => of(type, isAny)
export const bool = of(types.boolType, (value) => typeof value === 'boolean')
export const int = of(types.intType, (value) => typeof value === 'bigint')
export const uint = of(types.uintType, (value) => value instanceof UnsignedInt)
export const double = of(types.doubleType, (value) => typeof value === 'number')
export const string = of(types.stringType, (value) => typeof value === 'string')
export const bytes = of(types.bytesType, (value) => value instanceof Uint8Array)
export const nothing = of(types.nullType, (value) => value === null)
export const timestamp = of(types.timestampType, (value) => value instanceof Timestamp)
export const duration = of(types.durationType, (value) => value instanceof Duration)
export const type = of(types.typeOf(types.dyn), (value) => value instanceof TypeValue)
export const list = (element: CelType = T): Parameter<CelList> => of(types.listOf(element), isList)
export const map = (key: CelType = K, value: CelType = V): Parameter<CelMap> => of(types.mapOf(key, value), isMap)
export const optional = (inside: CelType = T): Parameter<OptionalValue> => of(types.optionalOf(inside), isOptional)

/** Values of an opaque class. */
export function opaque<V extends Opaque>(type: types.OpaqueType, ofClass: abstract new (...args: never[]) => V): Parameter<V> {
  return of(type, (value): value is V => value instanceof ofClass)
}

/** A signature as sentences about it write it: `string.(int)`, `(int, string)`. */
export function signature(parameters: readonly CelType[], isMethod: boolean): string {
  const names = parameters.map(typeName)
  return isMethod ? `${names[0]}.(${names.slice(1).join(', ')})` : `(${names.join(', ')})`
}
