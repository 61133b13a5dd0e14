import { isEqual } from './equality.ts'
import type { Meter } from './meter.ts'
import { type CelList, UnsignedInt, type Value } from './value.ts'

/** Values without doubles. Scalars are found at once; others are compared one by one, which is charged. */
export class ValueSet {
  readonly #meter: Meter
  readonly #scalars = new Set<string>()
  readonly #others: Value[] = []

  constructor(meter: Meter, items?: CelList) {
    this.#meter = meter
    for (const item of items ?? []) this.add(item)
  }

  /** False for a value that was there. */
  add(value: Value): boolean {
    if (this.has(value)) return false
    const key = this.#scalarKey(value)
    if (key === undefined) this.#others.push(value)
    else this.#scalars.add(key)
    return true
  }

  has(value: Value): boolean {
    const key = this.#scalarKey(value)
    if (key !== undefined) return this.#scalars.has(key)
    return this.#others.some((other) => isEqual(other, value, this.#meter))
  }

  #scalarKey(value: Value): string | undefined {
    this.#meter.charge(0.1)
    if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value)
    if (value instanceof UnsignedInt) return String(value.value)
    // NaN equals nothing, not even itself.
    if (typeof value === 'number') return Number.isNaN(value) ? undefined : Number.isInteger(value) ? String(BigInt(value)) : String(value)
    if (typeof value !== 'string') return undefined
    this.#meter.charge(value.length * 0.1)
    return `"${value}`
  }
}
