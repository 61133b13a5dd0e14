import type { Node, NodeAddress } from '../../shared/openapi/generated/core-v1.ts'
import type { InstanceMetadata } from '../provider.ts'

/** On a node that a kubelet with an external cloud provider has registered: nothing runs there until the cloud has said what it is. */
export const UNINITIALIZED_TAINT = 'node.cloudprovider.kubernetes.io/uninitialized'
export const SHUTDOWN_TAINT = 'node.cloudprovider.kubernetes.io/shutdown'

export function isUninitialized({ spec }: Node): boolean {
  return spec.taints?.some(({ key }) => key === UNINITIALIZED_TAINT) ?? false
}

/** Pure: labels that the cloud's knowledge becomes; the old names beside the new ones, as upstream's controller writes them. */
export function instanceLabels({ instanceType, zone, region }: InstanceMetadata): Record<string, string> {
  const labels: Record<string, string> = {}
  const set = (value: string | undefined, ...names: string[]) => {
    if (value) for (const name of names) labels[name] = value
  }
  set(instanceType, 'node.kubernetes.io/instance-type', 'beta.kubernetes.io/instance-type')
  set(zone, 'topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone')
  set(region, 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/region')
  return labels
}

/**
 * Pure: the addresses of a node by its cloud. The name and the inner address that its kubelet found are kept where the cloud says none: other
 * nodes and the API server go there.
 */
export function nodeAddresses({ status }: Node, { addresses }: InstanceMetadata): NodeAddress[] {
  const isSaid = (type: string) => addresses.some((each) => each.type === type)
  const kept = (status.addresses ?? []).filter(({ type }) => ['Hostname', 'InternalIP'].includes(type) && !isSaid(type))
  return [...addresses, ...kept]
}
