import ipaddr from 'ipaddr.js'
import type { IpFamily } from '../../shared/addresses/ip-families.ts'

/** Turns the addresses and ranges that a story is told with into those of a family. */
export type InFamily = (text: string) => string

/**
 * One story for both families: `10.77.1.2` is itself, or `fd00:10:77::1:2`; `10.77.0.0/16` is `fd00:10:77::/48`, `10.77.1.0/24` is `fd00:10:77::1:0/112`. Ranges
 * that hold an address go on holding it, down to /24; what is longer keeps as many bits to the end.
 */
export function inFamily(family: IpFamily): InFamily {
  return family === 'IPv4' ? (text) => text : six
}

function six(text: string): string {
  const [address = '', size] = text.split('/')
  if (size === '0') return '::/0'
  if (address.startsWith('127.')) return size === undefined ? '::1' : '::1/128'
  const [a, b, c, d] = address.split('.')
  const spelled = ipaddr.parse(`fd00:${a}:${b}::${c}:${d}`).toString()
  if (size === undefined) return spelled
  const prefix = Number(size)
  return `${spelled}/${prefix <= 16 ? 16 + 2 * prefix : prefix <= 24 ? 112 - 2 * (24 - prefix) : 96 + prefix}`
}
