/** How a field's value is laid out. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** What stands before each value of a field. */
export function tagOf(number: number, type: number): number {
  return number * 8 + type
}
