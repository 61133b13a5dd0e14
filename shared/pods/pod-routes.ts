import { parseAddress, specialRange } from '../addresses/ip-address.ts'
import { DisjointRanges, IpRange } from '../addresses/ip-range.ts'
import type { Node } from '../openapi/generated/core-v1.ts'

/** A pod range and the node it is reached through. */
export interface PodRoute {
  readonly range: string
  readonly via: string
}

/**
 * Pure: the routes that lead to the nodes' pods. Nodes without a range or an address have none yet. A range outside the cluster's would
 * draw traffic that is not for pods, one that overlaps an older node's would draw its: both are left out. IPv4 only.
 * @param clusterRange all pods' addresses
 */
export function podRoutes(nodes: Iterable<Node>, clusterRange: string): PodRoute[] {
  const cluster = IpRange.parse(clusterRange)
  const taken = new DisjointRanges()
  const routes: PodRoute[] = []
  for (const node of [...nodes].sort(olderFirst)) {
    const via = addressOf(node, cluster)
    const text = node.spec.podCIDR
    const range = text && !text.includes(':') ? IpRange.parse(text) : undefined
    if (!text || !range || !via || !cluster || !range.isInside(cluster)) continue
    if (taken.add(range)) routes.push({ range: text, via })
  }
  return routes
}

/** The first address that others can route to, as far as one can tell. */
function addressOf({ status }: Node, cluster: IpRange | undefined): string | undefined {
  return status.addresses?.find(({ type, address }) => {
    const parsed = type === 'InternalIP' && !address.includes(':') ? parseAddress(address) : undefined
    return parsed && specialRange(parsed) === undefined && !cluster?.contains(parsed)
  })?.address
}

function olderFirst(one: Node, other: Node): number {
  const key = ({ metadata }: Node) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
  return key(one) < key(other) ? -1 : 1
}
