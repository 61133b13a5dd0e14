import ipaddr from 'ipaddr.js'

/** Whole numbers from the first to the last, both included: ports, or IPv4 addresses as numbers. */
export type NumberRange = readonly [first: number, last: number]

/** Pure: the same numbers in ranges that neither overlap nor touch, in order. */
export function merged(ranges: readonly NumberRange[]): NumberRange[] {
  const result: [number, number][] = []
  for (const [first, last] of [...ranges].sort(([one], [other]) => one - other)) {
    const before = result.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else result.push([first, last])
  }
  return result
}

/** Pure: the numbers of the one that are not of the other. `taken` needs no order. */
export function without([first, last]: NumberRange, taken: readonly NumberRange[]): NumberRange[] {
  const left: NumberRange[] = []
  let from = first
  for (const [begin, end] of merged(taken)) {
    if (end < from || begin > last) continue
    if (begin > from) left.push([from, begin - 1])
    from = end + 1
  }
  if (from <= last) left.push([from, last])
  return left
}

/** Whether the number is in one of the ranges. */
export function within(ranges: readonly NumberRange[], number: number): boolean {
  return ranges.some(([first, last]) => number >= first && number <= last)
}

/** An IPv4 range as numbers; undefined for every other text. */
export function addressRange(text: string): NumberRange | undefined {
  if (!ipaddr.IPv4.isValidCIDR(text)) return undefined
  const [address, prefix] = ipaddr.IPv4.parseCIDR(text)
  const size = 2 ** (32 - prefix)
  const first = Math.floor(numberOf(address) / size) * size
  return [first, first + size - 1]
}

/** An IPv4 address as a number; undefined for every other text. */
export function addressNumber(text: string): number | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? numberOf(ipaddr.IPv4.parse(text)) : undefined
}

/** The address that a number stands for. */
export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

function numberOf(address: ipaddr.IPv4): number {
  return address.octets.reduce((sum, octet) => sum * 256 + octet, 0)
}
