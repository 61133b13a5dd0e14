import { IpRange } from './ip-range.ts'

/** A family of addresses, as the API calls it. */
export type IpFamily = 'IPv4' | 'IPv6'

/** Of an address or a range that is known to be one. */
export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4'
}

/**
 * `10.244.0.0/16`, `fd00:10:244::/56`, or one of each with a comma in between. The families that a cluster has, and their order, are said by its ranges
 * and by nothing else; the first is the primary one (KEP-563).
 * @throws Error that says what is wrong
 */
export function parseRanges(text: string): readonly string[] {
  const ranges = text.split(',').map((part) => part.trim())
  for (const each of ranges) {
    const range = IpRange.parse(each)
    if (!range) throw new Error(`${JSON.stringify(each)} is no range such as 10.244.0.0/16 or fd00:10:244::/56`)
    if (range.text !== each) throw new Error(`${each} has bits set beyond its prefix, or another spelling: write ${range.text}`)
  }
  if (new Set(ranges.map(familyOf)).size !== ranges.length) throw new Error(`${text} has two ranges of one family; one of each is possible`)
  return ranges
}

export function familiesOf(ranges: readonly string[]): readonly IpFamily[] {
  return ranges.map(familyOf)
}

/** The one of these addresses or ranges that is of the family. */
export function ofFamily(family: IpFamily, texts: readonly string[]): string | undefined {
  return texts.find((text) => familyOf(text) === family)
}

/** The range, if any, that an address lies in. */
export function rangeAround(address: string, ranges: readonly string[]): string | undefined {
  return ranges.find((range) => IpRange.parse(range)?.holds(address))
}

/** Why two flags do not belong to one cluster, in a sentence; undefined when both name the same families in the same order. */
export function familiesProblem(one: Ranges, other: Ranges): string | undefined {
  const [left, right] = [one, other].map(({ ranges }) => familiesOf(ranges).join(', then '))
  if (left === right) return undefined
  return `${one.flag} has ranges of ${left}, ${other.flag} of ${right}: both name the same families, in the same order`
}

/** What a flag says. */
export interface Ranges {
  readonly flag: string
  readonly ranges: readonly string[]
}
