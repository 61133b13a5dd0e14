import { parseAddress, specialRange } from '../addresses/ip-address.ts'
import { familyOf, type IpFamily, ofFamily } from '../addresses/ip-families.ts'
import { DisjointRanges, IpRange } from '../addresses/ip-range.ts'
import type { Node } from '../openapi/generated/core-v1.ts'

/** A pod range and the node it is reached through. */
export interface PodRoute {
  readonly range: string
  readonly via: string
}

/**
 * Pure: the routes that lead to the nodes' pods, by the node's address of the family. Nodes without a range or an address of a family have none of it
 * yet. A range outside the cluster's would draw traffic that is not for pods, one that overlaps an older node's would draw its: both are left out.
 * @param clusterRanges all pods' addresses, a range for each family
 */
export function podRoutes(nodes: Iterable<Node>, clusterRanges: readonly string[]): PodRoute[] {
  const sorted = [...nodes].sort(olderFirst)
  return clusterRanges.flatMap((text) => {
    const cluster = IpRange.parse(text)
    return cluster ? routesInside(sorted, { cluster, family: familyOf(text) }) : []
  })
}

function routesInside(nodes: readonly Node[], { cluster, family }: { cluster: IpRange; family: IpFamily }): PodRoute[] {
  const taken = new DisjointRanges()
  const routes: PodRoute[] = []
  for (const node of nodes) {
    const text = podRangeOf(node, family)
    const range = text === undefined ? undefined : IpRange.parse(text)
    if (!text || !range?.isInside(cluster)) continue
    const via = addressOf(node, { cluster, family })
    if (via && taken.add(range)) routes.push({ range: text, via })
  }
  return routes
}

/** The range of the node's pods, of the family. */
export function podRangeOf(node: Pick<Node, 'spec'>, family: IpFamily): string | undefined {
  return ofFamily(family, podRangesOf(node))
}

/** The ranges of the node's pods, one a family, the primary one first. */
export function podRangesOf({ spec }: Pick<Node, 'spec'>): readonly string[] {
  return spec.podCIDRs?.length ? spec.podCIDRs : spec.podCIDR ? [spec.podCIDR] : []
}

/** The first address that others can route to, as far as one can tell. */
function addressOf({ status }: Node, { cluster, family }: { cluster: IpRange; family: IpFamily }): string | undefined {
  return status.addresses?.find(({ type, address }) => {
    const parsed = type === 'InternalIP' && familyOf(address) === family ? parseAddress(address) : undefined
    return parsed && specialRange(parsed) === undefined && !cluster.contains(parsed)
  })?.address
}

function olderFirst(one: Node, other: Node): number {
  const key = ({ metadata }: Node) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
  return key(one) < key(other) ? -1 : 1
}
