/** How packets get to other nodes: `auto` wraps what leaves the link, `direct` never wraps, `vxlan` always. All nodes have the same. */
export const OVERLAYS = ['auto', 'vxlan', 'direct'] as const
export type Overlay = (typeof OVERLAYS)[number]

/** Bytes that VXLAN puts around a packet over IPv4: Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348). */
export const WRAPPING_BYTES = 50

/** The largest packet of pods where the node's own network takes `mtu`: what may be wrapped on its way must fit afterwards. */
export function podMtu(mtu: number, overlay: Overlay): number {
  return overlay === 'direct' ? mtu : mtu - WRAPPING_BYTES
}
