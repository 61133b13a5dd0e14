import { ANNOUNCED_BY } from '../../shared/addresses/announced-by.ts'
import type { Node, Service } from '../../shared/openapi/generated/core-v1.ts'

/** Keeps a Service until its load balancer is gone (KEP-980). */
export const CLEANUP_FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'

/** What is to be done about a Service: lead to it, take away what leads to it, or leave it to others. */
export type BalancerPlan = 'ensure' | 'remove' | 'leave'

/** Pure. A Service that names a class is another's (KEP-1959), unless we have led to it before. */
export function balancerPlan(service: Service): BalancerPlan {
  const { type, loadBalancerClass } = service.spec
  const isWanted = type === 'LoadBalancer' && loadBalancerClass === undefined && service.metadata.deletionTimestamp === undefined
  if (isWanted) return 'ensure'
  return hasFinalizer(service) ? 'remove' : 'leave'
}

export function hasFinalizer({ metadata }: Service): boolean {
  return metadata.finalizers?.includes(CLEANUP_FINALIZER) ?? false
}

/**
 * Text that changes with what a provider looks at: its nodes, and of the Service what upstream's controller counts as a reason to call the
 * cloud again.
 */
export function balancerRequest({ metadata, spec }: Service, hosts: readonly Node[]): { service: string; hosts: string } {
  const ports = (spec.ports ?? []).map(({ name, protocol, appProtocol, port, nodePort }) => [name, protocol, appProtocol, port, nodePort])
  // That one is written here, and asks for nothing.
  const annotations = Object.entries(metadata.annotations ?? {}).filter(([name]) => name !== ANNOUNCED_BY)
  const service = [
    ...[metadata.uid, annotations.sort(), ports],
    ...[spec.sessionAffinity, spec.sessionAffinityConfig, spec.loadBalancerIP, spec.loadBalancerSourceRanges, spec.externalIPs],
    ...[spec.externalTrafficPolicy, spec.healthCheckNodePort, spec.allocateLoadBalancerNodePorts, spec.ipFamilies],
  ]
  return {
    service: JSON.stringify(service),
    hosts: JSON.stringify(hosts.map((node) => [node.metadata.name, node.spec.providerID, node.status.addresses])),
  }
}

const EXCLUDE_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers'
/** On its way out by the cluster autoscaler. */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler'

/**
 * Nodes that load balancers lead to, by name. Whether one is ready is for the balancer's own health check: a set that follows readiness would
 * cut connections that still work (KEP-3458).
 */
export function balancedHosts(nodes: readonly Node[]): Node[] {
  return nodes
    .filter(
      ({ metadata, spec }) =>
        metadata.deletionTimestamp === undefined &&
        metadata.labels?.[EXCLUDE_LABEL] === undefined &&
        !spec.taints?.some(({ key }) => key === LEAVING_TAINT),
    )
    .sort((one, other) => ((one.metadata.name ?? '') < (other.metadata.name ?? '') ? -1 : 1))
}
