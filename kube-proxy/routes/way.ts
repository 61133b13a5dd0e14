import ipaddr from 'ipaddr.js'
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

/**
 * Pure: the hardware address of the node with this pod range in the overlay; nobody has to be asked for it. Of IPv6 it has the 32 bits that the prefix
 * ends with: no two nodes' ranges within one of the cluster are alike there.
 */
export function hardwareAddress(range: string): string {
  const bytes = ipaddr.parse(networkAddress(range)).toByteArray()
  const end = bytes.length === 4 ? 4 : Math.min(Math.max(Math.ceil(Number(range.split('/')[1]) / 8), 4), 16)
  const octets = bytes.slice(end - 4, end).map((octet) => octet.toString(16).padStart(2, '0'))
  // Locally administered, for one receiver.
  return ['0a', '58', ...octets].join(':')
}

/** The address that the node itself has in the overlay: the first of its range, which no pod gets. */
export function networkAddress(range: string): string {
  return range.split('/')[0] ?? ''
}
