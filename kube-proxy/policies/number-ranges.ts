import ipaddr from 'ipaddr.js'
import { familyOf, type IpFamily } from '../../shared/addresses/ip-families.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'

/** Addresses of IPv6 do not fit into a number; those of IPv4 stay numbers, which are faster. */
export type Numeric = number | bigint

/** Whole numbers from the first to the last, both included: ports, or addresses as numbers. */
export type NumberRange<T extends Numeric = number> = readonly [first: T, last: T]

/** Addresses of one family. */
export type AddressRange = NumberRange<Numeric>

/** All addresses there are. */
export const EVERY_ADDRESS: Readonly<Record<IpFamily, AddressRange>> = { IPv4: [0, 2 ** 32 - 1], IPv6: [0n, 2n ** 128n - 1n] }

/** Pure: the same numbers in ranges that neither overlap nor touch, in order. All are of one type. */
export function merged<T extends Numeric>(ranges: readonly NumberRange<T>[]): NumberRange<T>[] {
  const result: [T, T][] = []
  for (const [first, last] of [...ranges].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))) {
    const before = result.at(-1)
    if (before && first <= step(before[1], 1)) {
      if (last > before[1]) before[1] = last
    } else result.push([first, last])
  }
  return result
}

/** Pure: the numbers of the one that are not of the other. `taken` needs no order. */
export function without<T extends Numeric>([first, last]: NumberRange<T>, taken: readonly NumberRange<T>[]): NumberRange<T>[] {
  const left: NumberRange<T>[] = []
  let from = first
  for (const [begin, end] of merged(taken)) {
    if (end < from || begin > last) continue
    if (begin > from) left.push([from, step(begin, -1)])
    from = step(end, 1)
  }
  if (from <= last) left.push([from, last])
  return left
}

/** The number after this one, or before it. */
function step<T extends Numeric>(number: T, by: 1 | -1): T {
  // What is added to a number is a number; TypeScript does not see that for a type that is either.
  return (typeof number === 'bigint' ? number + BigInt(by) : Number(number) + by) as T
}

/** Whether the number is in one of the ranges. */
export function within(ranges: readonly AddressRange[], number: Numeric): boolean {
  return ranges.some(([first, last]) => number >= first && number <= last)
}

/** A range of the family as numbers; undefined for every other text. */
export function addressRange(text: string, family: IpFamily): AddressRange | undefined {
  if (familyOf(text) !== family) return undefined
  if (family === 'IPv4') return rangeOfFour(text)
  const range = IpRange.parse(text)
  const [first, prefix] = range?.text.split('/') ?? []
  const number = first === undefined ? undefined : addressNumber(first)
  return typeof number === 'bigint' ? [number, number + 2n ** BigInt(128 - Number(prefix)) - 1n] : undefined
}

function rangeOfFour(text: string): AddressRange | undefined {
  if (!ipaddr.IPv4.isValidCIDR(text)) return undefined
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text)
  const size = 2 ** (32 - prefix)
  const first = Math.floor(numberOf(address) / size) * size
  return [first, first + size - 1]
}

/** An address as a number; undefined for every other text. */
export function addressNumber(text: string): Numeric | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return numberOf(ipaddr.IPv4.parse(text))
  if (!ipaddr.IPv6.isValid(text)) return undefined
  return ipaddr.IPv6.parse(text)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
}

/** The address that a number stands for. */
export function addressText(number: Numeric): string {
  if (typeof number === 'number') return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
  return ipaddr.fromByteArray(Array.from({ length: 16 }, (_, index) => Number((number >> BigInt(120 - 8 * index)) & 0xffn))).toString()
}

function numberOf(address: ipaddr.IPv4): number {
  return address.octets.reduce((sum, octet) => sum * 256 + octet, 0)
}
