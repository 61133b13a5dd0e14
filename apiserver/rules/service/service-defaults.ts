import type { Service, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { isReachableFromOutside, needsClusterIP, needsHealthCheckPort, needsNodePorts } from './service-kinds.ts'

const AFFINITY_SECONDS = 10_800

/** Edits in place; safe to run again. */
export function defaultService({ spec }: Service): void {
  spec.type ||= 'ClusterIP'
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') spec.sessionAffinityConfig = undefined
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {}
    spec.sessionAffinityConfig.clientIP ??= {}
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= AFFINITY_SECONDS
  }
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    if (port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port
  }
  if (isReachableFromOutside(spec)) spec.externalTrafficPolicy ||= 'Cluster'
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ||= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
}

/** `clusterIP` and the first of `clusterIPs` are one thing; a client may have changed either. */
export function syncAddresses(spec: ServiceSpec, previous: ServiceSpec | undefined): void {
  if (!previous) {
    if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
    return
  }
  if (spec.clusterIP === previous.clusterIP || !sameValue(spec.clusterIPs, previous.clusterIPs)) return
  spec.clusterIPs = spec.clusterIP ? [spec.clusterIP, ...(spec.clusterIPs ?? []).slice(1)] : undefined
}

/**
 * An update that leaves out what was allocated keeps it; one that changes the type gives up what the new type does not have,
 * unless it says otherwise.
 */
export function keepAllocated(next: ServiceSpec, previous: ServiceSpec): void {
  if (needsClusterIP(next) && needsClusterIP(previous)) {
    next.clusterIP ||= previous.clusterIP
    if (!next.clusterIPs?.length && next.clusterIP === previous.clusterIP) next.clusterIPs = previous.clusterIPs && [...previous.clusterIPs]
  } else if (!needsClusterIP(next)) {
    if (sameValue(next.clusterIPs, previous.clusterIPs)) Object.assign(next, { clusterIP: undefined, clusterIPs: undefined })
    if (sameValue(next.ipFamilies, previous.ipFamilies)) next.ipFamilies = undefined
    if (next.ipFamilyPolicy === previous.ipFamilyPolicy) next.ipFamilyPolicy = undefined
  }
  if (needsNodePorts(next) && needsNodePorts(previous)) keepNodePorts(next, previous)
  else if (!needsNodePorts(next) && needsNodePorts(previous) && next.type !== 'LoadBalancer') dropNodePorts(next, previous)
  if (needsHealthCheckPort(next) && needsHealthCheckPort(previous)) next.healthCheckNodePort ||= previous.healthCheckNodePort
  else if (!needsHealthCheckPort(next) && next.healthCheckNodePort === previous.healthCheckNodePort) next.healthCheckNodePort = undefined
  dropIfUnchanged(next, previous)
}

/** By name, because that is what a person keeps when the number changes; a number is not given to two ports. */
function keepNodePorts(next: ServiceSpec, previous: ServiceSpec): void {
  const before = previous.ports ?? []
  const wanted = new Set((next.ports ?? []).map((port) => port.nodePort))
  const used = new Set(before.map((port) => port.nodePort).filter((port) => port !== undefined && wanted.has(port)))
  for (const port of next.ports ?? []) {
    if (port.nodePort) continue
    const old = before.find((each) => (each.name ?? '') === (port.name ?? ''))?.nodePort
    if (old === undefined || used.has(old)) continue
    port.nodePort = old
    used.add(old)
  }
}

function dropNodePorts(next: ServiceSpec, previous: ServiceSpec): void {
  const before = new Set((previous.ports ?? []).map((port) => port.nodePort))
  const after = (next.ports ?? []).map((port) => port.nodePort)
  if (after.some((port) => port !== undefined && !before.has(port))) return
  for (const port of next.ports ?? []) port.nodePort = undefined
}

function dropIfUnchanged(next: ServiceSpec, previous: ServiceSpec): void {
  if (previous.type === 'LoadBalancer' && next.type !== 'LoadBalancer') {
    if (next.allocateLoadBalancerNodePorts === previous.allocateLoadBalancerNodePorts) next.allocateLoadBalancerNodePorts = undefined
    if (next.loadBalancerClass === previous.loadBalancerClass) next.loadBalancerClass = undefined
  }
  const closes = isReachableFromOutside(previous) && !isReachableFromOutside(next)
  if (closes && next.externalTrafficPolicy === previous.externalTrafficPolicy) next.externalTrafficPolicy = undefined
}
