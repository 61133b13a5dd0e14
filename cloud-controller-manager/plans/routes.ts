import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { CloudRoute } from '../provider.ts'

/** What the provider's routes lack, and what they have too many. */
export interface RouteChanges {
  readonly missing: readonly CloudRoute[]
  readonly surplus: readonly CloudRoute[]
  /** Nodes by whether the way to their Pods is there. */
  readonly reached: ReadonlyMap<string, boolean>
}

/** Pure. Only routes inside the range of all Pods are this cluster's; others in the same network are left alone. */
export function routeChanges(nodes: readonly Node[], present: readonly CloudRoute[], clusterCidr: string): RouteChanges {
  const all = IpRange.parse(clusterCidr)
  const ours = present.filter(({ range }) => all && IpRange.parse(range)?.isInside(all))
  const has = (routes: readonly CloudRoute[], { range, gateway }: CloudRoute) =>
    routes.some((each) => each.range === range && each.gateway === gateway)
  const wanted = new Map(
    nodes.flatMap((node) => {
      const gateway = node.status.addresses?.find(({ type }) => type === 'InternalIP')?.address
      const range = node.spec.podCIDR
      return range && gateway ? [[node.metadata.name ?? '', { range, gateway }] as const] : []
    }),
  )
  return {
    missing: [...wanted.values()].filter((route) => !has(ours, route)),
    surplus: ours.filter((route) => !has([...wanted.values()], route)),
    reached: new Map(
      nodes.map(({ metadata: { name = '' } }) => {
        const route = wanted.get(name)
        return [name, route !== undefined && has(ours, route)]
      }),
    ),
  }
}
