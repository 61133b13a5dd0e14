import type { ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'

export const HEADLESS = 'None'

export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIP === HEADLESS || spec.clusterIPs?.[0] === HEADLESS
}

/** Whether the Service has an address of its own, or says that it wants none. */
export function needsClusterIP({ type }: ServiceSpec): boolean {
  return type !== 'ExternalName'
}

export function needsNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false)
}

/** Load balancers that ask each node whether it has endpoints. */
export function needsHealthCheckPort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local'
}

/** Whether anybody outside the cluster may come in. */
export function isReachableFromOutside({ type, externalIPs }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0)
}
