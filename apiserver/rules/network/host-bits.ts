import ipaddr from 'ipaddr.js'
import { IpRange } from '../../../shared/addresses/ip-range.ts'

/** A range written with an address that goes on behind the prefix, in the sentence upstream warns with. */
export function* hostBitsWarning(range: string, path: string): Generator<string> {
  if (!IpRange.parse(range)) return
  const [address, prefix] = ipaddr.parseCIDR(range)
  const family = address instanceof ipaddr.IPv4 ? ipaddr.IPv4 : ipaddr.IPv6
  const network = family.networkAddressFromCIDR(range).toString()
  if (network === address.toString()) return
  const [wide, single] = [`${network}/${prefix}`, `${address}/${address instanceof ipaddr.IPv4 ? 32 : 128}`]
  yield `${path}: CIDR value ${JSON.stringify(range)} is ambiguous in this context (should be ${JSON.stringify(wide)} or ${JSON.stringify(single)}?)`
}
