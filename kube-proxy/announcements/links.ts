import { parseAddress } from '../../shared/addresses/ip-address.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { RunCommand } from '../command.ts'

/** One address of an interface, as `ip -j addr` lists it. */
export interface LinkAddress {
  readonly link: string
  readonly address: string
  readonly prefix: number
  readonly label: string
}

/** All IPv4 addresses of this machine. */
export async function linkAddresses(run: RunCommand): Promise<LinkAddress[]> {
  const listed: unknown = JSON.parse((await run(['ip', '-4', '-j', 'addr', 'show'])) || '[]')
  return entries(listed).flatMap(({ ifname, addr_info }) =>
    entries(addr_info).flatMap(({ local, prefixlen, label }) =>
      typeof ifname === 'string' && typeof local === 'string' && typeof prefixlen === 'number'
        ? [{ link: ifname, address: local, prefix: prefixlen, label: typeof label === 'string' ? label : '' }]
        : [],
    ),
  )
}

/** The interface on whose subnet an address lies: where its neighbours ask for it. */
export function linkOf(address: string, links: readonly LinkAddress[]): string | undefined {
  const parsed = parseAddress(address)
  const found = links.find(
    ({ link, address: own, prefix }) => parsed && link !== 'lo' && prefix < 32 && IpRange.parse(`${own}/${prefix}`)?.contains(parsed),
  )
  return found?.link
}

function entries(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : []
}
