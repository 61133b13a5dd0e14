import { parseAddress, specialRangeProblem } from '../../shared/addresses/ip-address.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { spelling } from '../allocation/spelling.ts'
import type { OwnedByCluster } from './cluster-facts.ts'

/**
 * Why a kubelet may not say that its pod is there; undefined when it may. Services lead to pods' addresses, and this server's proxies dial
 * them: they lie in the range of the node, or are the node's own where the pod shares its network. A node without a range (another
 * network plugin gives addresses) may say any that is not somebody else's. Only what a write adds is looked at. Pure.
 * @param claimant the node, if any, that says it is there
 */
export function podAddressProblem(
  next: Pod,
  previous: Pod,
  { node, claimant, owner }: { node: () => Node | undefined; claimant: (address: string) => string | undefined; owner: OwnedByCluster },
): string | undefined {
  const hosts = added(hostAddresses(next), hostAddresses(previous))
  const pods = added(podAddresses(next), podAddresses(previous))
  if (hosts.length + pods.length === 0) return undefined
  const { status, spec } = node() ?? {}
  const mine = new Set((status?.addresses ?? []).map(({ address }) => spelling(address)))
  const stranger = hosts.find((text) => !mine.has(spelling(text)))
  if (stranger !== undefined) return `status.hostIP ${stranger} is not an address of the node`
  const ranges = (spec?.podCIDRs ?? []).flatMap((range) => IpRange.parse(range) ?? [])
  for (const text of pods) {
    const address = parseAddress(text)
    const why = address ? specialRangeProblem(address) : 'is no IP address'
    if (why !== undefined || !address) return `status.podIP ${text} ${why}`
    if (next.spec.hostNetwork) {
      if (!mine.has(spelling(text))) return `status.podIP ${text} of a pod in the node's network is not an address of the node`
    } else if (ranges.length > 0) {
      const isInside = ranges.some((range) => range.contains(address))
      if (!isInside) return `status.podIP ${text} is not in the node's pod range ${spec?.podCIDRs?.join(', ')}`
    } else {
      const whose = owner(text)
      if (whose !== undefined) return `status.podIP ${text} belongs to ${whose}`
      const other = claimant(text)
      if (other !== undefined) return `status.podIP ${text} is an address of node ${JSON.stringify(other)}`
    }
  }
  return undefined
}

function podAddresses({ status }: Pod): string[] {
  return [status.podIP, ...(status.podIPs ?? []).map(({ ip }) => ip)].flatMap((text) => text || [])
}

function hostAddresses({ status }: Pod): string[] {
  return [status.hostIP, ...(status.hostIPs ?? []).map(({ ip }) => ip)].flatMap((text) => text || [])
}

function added(now: readonly string[], before: readonly string[]): string[] {
  return now.filter((text) => !before.includes(text))
}
