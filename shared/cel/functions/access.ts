import { any, fn, K, list, map, method, noOverload, type Overload, optional, type Parameter, sizeOf, T, V } from '../define.ts'
import { isNumeric } from '../equality.ts'
import { boolType, intType, listOf, mapOf, optionalOf } from '../type.ts'
import { CelError, CelList, CelMap, Duration, none, OptionalValue, UnsignedInt, type Value, ValueList } from '../value.ts'

type Index = bigint | number | UnsignedInt

/** Where the type is not known in advance, whole numbers of every kind are indices. */
const index: Parameter<Index> = { type: intType, is: isNumeric }

function positionOf(wanted: Index): number | undefined {
  const position = Number(wanted instanceof UnsignedInt ? wanted.value : wanted)
  return Number.isInteger(position) ? position : undefined
}

function itemAt(items: CelList, wanted: Index): Value | undefined {
  const position = positionOf(wanted)
  return position === undefined || position < 0 || position >= items.size ? undefined : items.at(position)
}

function required(items: CelList, wanted: Index): Value {
  const item = itemAt(items, wanted)
  return item === undefined ? new CelError(`index out of bounds: ${positionOf(wanted) ?? 'not a whole number'}`) : item
}

/** The words for a key that is not there; texts are repeated in part only. */
export function noSuchKey(key: Value): CelError {
  return new CelError(`no such key: ${typeof key === 'string' ? key.slice(0, 256) : key instanceof UnsignedInt ? key.value : String(key)}`)
}

const wrapped = (value: Value | undefined) => (value === undefined ? none : new OptionalValue(value))

function inside(value: OptionalValue, key: Value): Value {
  if (value.value === undefined) return none
  if (value.value instanceof CelList && isNumeric(key)) return wrapped(itemAt(value.value, key))
  return value.value instanceof CelMap ? wrapped(value.value.get(key)) : noOverload()
}

/** Indices of lists and maps, and optional values. */
export const access: readonly Overload[] = [
  fn('_[_]', [list(), index], T, ([items, wanted]) => required(items, wanted)),
  fn('_[_]', [map(), any(K)], V, ([entries, key]) => entryOf(entries, key)),
  fn('_[_]', [optional(listOf(T)), index], optionalOf(T), ([items, wanted]) => inside(items, wanted)),
  fn('_[_]', [optional(mapOf(K, V)), any(K)], optionalOf(V), ([entries, key]) => inside(entries, key)),
  fn('_[?_]', [list(), index], optionalOf(T), ([items, wanted]) => wrapped(itemAt(items, wanted))),
  fn('_[?_]', [map(), any(K)], optionalOf(V), ([entries, key]) => wrapped(entries.get(key))),
  fn('_[?_]', [optional(listOf(T)), index], optionalOf(T), ([items, wanted]) => inside(items, wanted)),
  fn('_[?_]', [optional(mapOf(K, V)), any(K)], optionalOf(V), ([entries, key]) => inside(entries, key)),
  fn('optional.of', [any()], optionalOf(T), ([value]) => new OptionalValue(value)),
  fn('optional.ofNonZeroValue', [any()], optionalOf(T), ([value]) => (isZero(value) ? none : new OptionalValue(value))),
  fn('optional.none', [], optionalOf(T), () => none),
  fn(
    'optional.unwrap',
    [list(optionalOf(T))],
    listOf(T),
    ([items]) => present(items),
    ([size]) => Math.max(1, size!),
  ),
  method(
    'unwrapOpt',
    [list(optionalOf(T))],
    listOf(T),
    ([items]) => present(items),
    ([size]) => Math.max(1, size!),
  ),
  method('hasValue', [optional()], boolType, ([value]) => value.value !== undefined),
  method('value', [optional()], T, ([value]) => (value.value === undefined ? new CelError('optional.none() dereference') : value.value)),
]

function entryOf(entries: CelMap, key: Value): Value {
  const value = entries.get(key)
  return value === undefined ? noSuchKey(key) : value
}

function present(items: CelList): Value {
  const found: Value[] = []
  for (const item of items) {
    if (!(item instanceof OptionalValue)) return noOverload()
    if (item.value !== undefined) found.push(item.value)
  }
  return new ValueList(found)
}

function isZero(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true
  if (value instanceof UnsignedInt) return value.value === 0n
  if (value instanceof Duration) return value.nanoseconds === 0n
  if (value instanceof CelList || value instanceof CelMap || value instanceof Uint8Array) return sizeOf(value) === 0
  return false
}
