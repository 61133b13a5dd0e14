import type { IpFamily } from './ip-families.ts'

/** How nftables and `ip` say for one family what they say for the other in other words. */
export interface PacketWords {
  /** The family of a table, and the header that a rule looks at: `table ip …`, `ip saddr …`. */
  readonly header: 'ip' | 'ip6'
  /** The type of a set's elements. */
  readonly address: 'ipv4_addr' | 'ipv6_addr'
  /** All addresses, as a range. */
  readonly everywhere: string
  /** How long the prefix of a single address is. */
  readonly single: number
  /** Addresses that only this machine, or this link, knows: nobody is led to a Service by one. */
  readonly unroutable: string
  /** `ip -4`. */
  readonly option: '-4' | '-6'
}

const WORDS: Readonly<Record<IpFamily, PacketWords>> = {
  IPv4: { header: 'ip', address: 'ipv4_addr', everywhere: '0.0.0.0/0', single: 32, unroutable: '127.0.0.0/8', option: '-4' },
  IPv6: { header: 'ip6', address: 'ipv6_addr', everywhere: '::/0', single: 128, unroutable: '{ ::1, fe80::/10 }', option: '-6' },
}

export function packetWords(family: IpFamily): PacketWords {
  return WORDS[family]
}
