import ipaddr from 'ipaddr.js'

/** A run of IPv4 addresses as numbers, both ends included. */
export interface AddressRun {
  readonly first: number
  readonly last: number
}

/**
 * `192.168.1.240/28` or `192.168.1.240-192.168.1.250`; undefined for what is neither. The first and the last address of a range in CIDR form are
 * left out: where it is a whole subnet they are its own and the broadcast address.
 */
export function addressRun(text: string): AddressRun | undefined {
  const run = text.includes('-') ? runOfEnds(text) : runOfCidr(text)
  return run && run.first <= run.last ? run : undefined
}

function runOfCidr(text: string): AddressRun | undefined {
  if (!ipaddr.IPv4.isValidCIDRFourPartDecimal(text)) return undefined
  const [address, bits] = ipaddr.IPv4.parseCIDR(text)
  const size = 2 ** (32 - bits)
  const first = Math.floor(unsigned(address) / size) * size
  return size <= 2 ? { first, last: first + size - 1 } : { first: first + 1, last: first + size - 2 }
}

function runOfEnds(text: string): AddressRun | undefined {
  const [first, last, ...rest] = text.split('-').map((part) => numberOfAddress(part.trim()))
  return first === undefined || last === undefined || rest.length > 0 ? undefined : { first, last }
}

export function numberOfAddress(address: string): number | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(address) ? unsigned(ipaddr.IPv4.parse(address)) : undefined
}

function unsigned({ octets }: ipaddr.IPv4): number {
  return octets.reduce((sum, octet) => sum * 256 + octet, 0)
}

export function textOfNumber(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}
