import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

export type IpAddress = ipaddr.IPv4 | ipaddr.IPv6

/** Addresses that mean something else to each who dials them: none of them is a machine or a pod. */
export type SpecialRange = 'unspecified' | 'loopback' | 'linkLocal' | 'multicast' | 'broadcast' | 'translated'

const NAMED: Readonly<Record<string, SpecialRange>> = {
  ...{ unspecified: 'unspecified', loopback: 'loopback', linkLocal: 'linkLocal', multicast: 'multicast', broadcast: 'broadcast' },
  // Forms of IPv6 that stand for an IPv4 address: what they reach depends on gateways, and what they hide is not looked at.
  ...{ rfc6145: 'translated', rfc6052: 'translated', '6to4': 'translated', teredo: 'translated' },
}

const SENTENCES: Readonly<Record<SpecialRange, string>> = {
  unspecified: 'may not be unspecified (0.0.0.0/8, ::)',
  loopback: 'may not be in the loopback range (127.0.0.0/8, ::1/128)',
  linkLocal: 'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  multicast: 'may not be in the multicast range (224.0.0.0/4, ff00::/8)',
  broadcast: 'may not be the broadcast address (255.255.255.255)',
  translated: 'may not be an IPv6 form of an IPv4 address',
}

/**
 * The address that a text names; an IPv4 address written as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address, for that is what the kernel
 * dials. Undefined for everything that is no address as the API writes them (names, `127.1`, `0x7f000001`).
 */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIP(text) === 0) return undefined
  const address = ipaddr.parse(text)
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address
}

/** One spelling for each address, so that two texts can be compared; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  // IPv4 is accepted in one spelling only.
  return isIP(text) === 4 ? text : parseAddress(text)?.toString()
}

export function specialRange(address: IpAddress): SpecialRange | undefined {
  const named = NAMED[address.range()]
  if (named) return named
  // `::10.0.0.1`, long out of use.
  return address instanceof ipaddr.IPv6 && address.parts.slice(0, 6).every((part) => part === 0) ? 'translated' : undefined
}

/** Why an address is nobody's, in words; undefined for one that a machine or pod can have. */
export function specialRangeProblem(address: IpAddress): string | undefined {
  const special = specialRange(address)
  return special && SENTENCES[special]
}
