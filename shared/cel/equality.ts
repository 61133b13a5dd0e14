import type { Meter } from './meter.ts'
import { CelError, CelList, CelMap, Duration, Opaque, OptionalValue, Timestamp, TypeValue, UnsignedInt, type Value } from './value.ts'

/** What comparing one small value costs. */
const LOOK = 0.1

/** Whether two values are the same. Numbers of all kinds compare by amount; values of other kinds that differ are not equal. */
export function isEqual(a: Value, b: Value, meter: Meter): boolean {
  meter.charge(LOOK)
  if (typeof a === 'string') {
    if (typeof b !== 'string') return false
    meter.charge(Math.min(a.length, b.length) * LOOK)
    return a === b
  }
  if (isNumeric(a)) return isNumeric(b) && compareAmounts(a, b) === 0
  if (a === null || typeof a === 'boolean') return a === b
  if (a instanceof CelList) return b instanceof CelList && listsEqual(a, b, meter)
  if (a instanceof CelMap) return b instanceof CelMap && mapsEqual(a, b, meter)
  if (a instanceof Uint8Array) {
    if (!(b instanceof Uint8Array)) return false
    meter.charge(Math.min(a.length, b.length) * LOOK)
    return Buffer.compare(a, b) === 0
  }
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanoseconds === b.nanoseconds
  if (a instanceof Duration) return b instanceof Duration && a.nanoseconds === b.nanoseconds
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name
  if (a instanceof OptionalValue) return b instanceof OptionalValue && optionalsEqual(a, b, meter)
  if (a instanceof Opaque) return b instanceof Opaque && a.type.name === b.type.name && a.identity === b.identity
  return false
}

type Numeric = bigint | number | UnsignedInt

export function isNumeric(value: Value): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof UnsignedInt
}

function amount(value: Numeric): bigint | number {
  return value instanceof UnsignedInt ? value.value : value
}

/** JavaScript compares a bigint and a number by their amounts, without rounding. NaN where neither comes first. */
function compareAmounts(a: Numeric, b: Numeric): number {
  const [left, right] = [amount(a), amount(b)]
  if (left < right) return -1
  return left > right ? 1 : left >= right ? 0 : Number.NaN
}

function listsEqual(a: CelList, b: CelList, meter: Meter): boolean {
  if (a.size !== b.size) return false
  const keys = a.keys ?? b.keys
  if (keys !== undefined) return sameItems(a, b, keys, meter)
  for (let index = 0; index < a.size; index++) if (!isEqual(a.at(index), b.at(index), meter)) return false
  return true
}

/** Sets, and lists whose items have keys: their order does not matter. */
function sameItems(a: CelList, b: CelList, keys: 'set' | readonly string[], meter: Meter): boolean {
  const known = new Map<string, Value>()
  for (const item of b) known.set(itemKey(item, keys, meter), item)
  for (const item of a) {
    const other = known.get(itemKey(item, keys, meter))
    if (other === undefined || !isEqual(item, other, meter)) return false
  }
  return true
}

/** A text that only items with the same key share. */
export function itemKey(item: Value, keys: 'set' | readonly string[], meter: Meter): string {
  const parts = keys === 'set' ? [item] : keys.map((key) => (item instanceof CelMap ? (item.get(key) ?? null) : item))
  return JSON.stringify(parts.map((part) => keyPart(part, meter)))
}

/** Items of a set may be times, or whole objects: those are told apart by all that is in them. */
function keyPart(value: Value, meter: Meter): unknown {
  if (value instanceof CelList) {
    meter.charge(LOOK)
    return [...value].map((item) => keyPart(item, meter))
  }
  if (value instanceof CelMap) {
    meter.charge(LOOK)
    const entries = [...value.keys()].map((key) => [keyPart(key, meter), keyPart(value.get(key) ?? null, meter)] as const)
    return { entries: entries.sort(([a], [b]) => compareTexts(String(a), String(b))) }
  }
  const text = scalarText(value)
  meter.charge((1 + text.length) * LOOK)
  return text
}

function scalarText(value: Value): string {
  if (value instanceof UnsignedInt) return String(value.value)
  if (value instanceof Timestamp) return `timestamp:${value.nanoseconds}`
  if (value instanceof Duration) return `duration:${value.nanoseconds}`
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('base64')}`
  return typeof value === 'object' ? '' : `${typeof value}:${value}`
}

function mapsEqual(a: CelMap, b: CelMap, meter: Meter): boolean {
  if (a.size !== b.size) return false
  for (const key of a.keys()) {
    const left = a.get(key)
    const right = b.get(key)
    if (left === undefined || right === undefined || !isEqual(left, right, meter)) return false
  }
  return true
}

function optionalsEqual(a: OptionalValue, b: OptionalValue, meter: Meter): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value
  return isEqual(a.value, b.value, meter)
}

/** Negative, zero or positive; NaN where neither comes first; an error for values that have no order. */
export function order(a: Value, b: Value, meter: Meter): number | CelError {
  meter.charge(LOOK)
  if (typeof a === 'string' && typeof b === 'string') {
    meter.charge(Math.min(a.length, b.length) * LOOK)
    return compareTexts(a, b)
  }
  if (isNumeric(a) && isNumeric(b)) return compareAmounts(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    meter.charge(Math.min(a.length, b.length) * LOOK)
    return Buffer.compare(a, b)
  }
  if ((a instanceof Timestamp && b instanceof Timestamp) || (a instanceof Duration && b instanceof Duration)) {
    return a.nanoseconds < b.nanoseconds ? -1 : a.nanoseconds > b.nanoseconds ? 1 : 0
  }
  if (a instanceof Opaque && b instanceof Opaque && a.compare) return a.compare(b) ?? new CelError('no such overload')
  return new CelError('no such overload')
}

/** By code points: UTF-16 puts characters beyond U+FFFF before U+E000. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left !== right) return isHalf(left) !== isHalf(right) ? (isHalf(left) ? 1 : -1) : left - right
  }
  return a.length - b.length
}

function isHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
