/** Response codes (RFC 1035, 2136, 6891) that we give or look at. */
export const code = { ok: 0, formatError: 1, serverFailure: 2, missing: 3, notImplemented: 4, refused: 5, badVersion: 16 } as const

const CODE_NAMES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

/** As logs and metrics have it. */
export function codeName(value: number): string {
  return CODE_NAMES[value] ?? (value === code.badVersion ? 'BADVERS' : `RCODE${value}`)
}

/** Bits of the two octets after the id (RFC 1035, 4.1.1). */
export const flag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
} as const

/** Types that this server tells apart; everything else is only passed on. */
export const type = {
  ...{ A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, HINFO: 13, TXT: 16, AAAA: 28, SRV: 33, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 },
} as const

const TYPE_NAMES = new Map<number, string>(Object.entries(type).map(([name, number]) => [number, name]))

/** e.g. `A`; `TYPE65280` for what has no name here (RFC 3597). */
export function typeName(number: number): string {
  return TYPE_NAMES.get(number) ?? `TYPE${number}`
}

export const CLASS_IN = 1
/** Head of a message, in octets. */
export const HEAD_BYTES = 12
