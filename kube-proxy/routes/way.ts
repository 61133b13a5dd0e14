import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Overlay } from '../../shared/pods/overlay.ts'
import type { PodRoute } from '../../shared/pods/pod-routes.ts'

/** How one node's pods are reached. */
export interface Way {
  readonly range: string
  /** The node's address. */
  readonly via: string
  /** Wrapped in UDP (VXLAN), which every router between the nodes takes; else by a route, which only a shared link allows. */
  readonly isWrapped: boolean
}

/**
 * Pure: a peer on a link of ours is reached by a route, every other one wrapped.
 * @param links ranges of the networks that this machine is in
 */
export function waysTo(routes: readonly PodRoute[], links: readonly string[], overlay: Overlay): Way[] {
  const ranges = links.map((text) => IpRange.parse(text)).filter((range) => range !== undefined)
  const isNear = (address: string) => ranges.some((range) => range.holds(address))
  return routes.map(({ range, via }) => ({ range, via, isWrapped: overlay === 'vxlan' || (overlay === 'auto' && !isNear(via)) }))
}

/** Pure: the hardware address of the node with this pod range in the overlay; nobody has to be asked for it. IPv4 ranges. */
export function hardwareAddress(range: string): string {
  const octets = networkAddress(range)
    .split('.')
    .map((octet) => Number(octet).toString(16).padStart(2, '0'))
  // Locally administered, for one receiver.
  return ['0a', '58', ...octets].join(':')
}

/** The address that the node itself has in the overlay: the first of its range, which no pod gets. */
export function networkAddress(range: string): string {
  return range.split('/')[0] ?? ''
}
