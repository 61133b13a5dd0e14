import { canonicalAddress } from '../shared/addresses/ip-address.ts'

const IPV4 = /^((?:\d{1,3}\.){4})in-addr\.arpa$/
const IPV6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/

/** The address that a name in `in-addr.arpa` or `ip6.arpa` asks about (RFC 1035, 3.5; RFC 3596, 2.5); undefined where it is none. */
export function reversedAddress(name: string): string | undefined {
  const ipv4 = IPV4.exec(name)?.[1]
  if (ipv4 !== undefined) return canonicalAddress(ipv4.slice(0, -1).split('.').reverse().join('.'))
  const nibbles = IPV6.exec(name)?.[1]
  return nibbles === undefined
    ? undefined
    : canonicalAddress(
        nibbles
          .split('.')
          .reverse()
          .join('')
          .replaceAll(/(.{4})(?!$)/g, '$1:'),
      )
}
