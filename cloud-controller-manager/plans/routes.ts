import { familyOf, type IpFamily, ofFamily } from '../../shared/addresses/ip-families.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { podRangeOf } from '../../shared/pods/pod-routes.ts'
import type { CloudRoute } from '../provider.ts'

/** What the provider's routes lack, and what they have too many. */
export interface RouteChanges {
  readonly missing: readonly CloudRoute[]
  readonly surplus: readonly CloudRoute[]
  /** Nodes by whether the way to their Pods is there. */
  readonly reached: ReadonlyMap<string, boolean>
}

/**
 * Pure. Only routes inside the ranges of all Pods are this cluster's; others in the same network are left alone.
 * @param clusterCidrs a range for each family
 */
export function routeChanges(nodes: readonly Node[], present: readonly CloudRoute[], clusterCidrs: readonly string[]): RouteChanges {
  const all = clusterCidrs.flatMap((text) => IpRange.parse(text) ?? [])
  const ours = present.filter(({ range }) => all.some((whole) => IpRange.parse(range)?.isInside(whole)))
  const has = (routes: readonly CloudRoute[], { range, gateway }: CloudRoute) =>
    routes.some((each) => each.range === range && each.gateway === gateway)
  const wanted = new Map(
    nodes.map((node) => [node.metadata.name ?? '', clusterCidrs.flatMap((range) => wantedOf(node, familyOf(range)))] as const),
  )
  const routes = [...wanted.values()].flat()
  return {
    missing: routes.filter((route) => !has(ours, route)),
    surplus: ours.filter((route) => !has(routes, route)),
    reached: new Map(
      nodes.map(({ metadata: { name = '' } }) => {
        const own = wanted.get(name) ?? []
        return [name, own.length > 0 && own.every((route) => has(ours, route))]
      }),
    ),
  }
}

function wantedOf(node: Node, family: IpFamily): CloudRoute[] {
  const addresses = (node.status.addresses ?? []).filter(({ type }) => type === 'InternalIP').map(({ address }) => address)
  const [range, gateway] = [podRangeOf(node, family), ofFamily(family, addresses)]
  return range && gateway ? [{ range, gateway }] : []
}
