import type { IpFamily } from '../addresses/ip-families.ts'

/** How packets get to other nodes: `auto` wraps what leaves the link, `direct` never wraps, `vxlan` always. All nodes have the same. */
export const OVERLAYS = ['auto', 'vxlan', 'direct'] as const
export type Overlay = (typeof OVERLAYS)[number]

/** Bytes that VXLAN puts around a packet: Ethernet 14, IPv4 20 or IPv6 40, UDP 8, VXLAN 8 (RFC 7348). Packets of a family are wrapped in packets of it. */
export const WRAPPING_BYTES: Readonly<Record<IpFamily, number>> = { IPv4: 50, IPv6: 70 }

/**
 * The largest packet of pods where the node's own network takes `mtu`: what may be wrapped on its way must fit afterwards.
 * @param families of the pods; an interface has one size for both
 */
export function podMtu(mtu: number, overlay: Overlay, families: readonly IpFamily[] = ['IPv4']): number {
  return overlay === 'direct' ? mtu : mtu - Math.max(WRAPPING_BYTES.IPv4, ...families.map((family) => WRAPPING_BYTES[family]))
}
