import { isIPv4 } from 'node:net'
import type { Service, ServicePort } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { clusterBackends, localBackends, type NodeView, type PortEndpoint, readyHere } from './endpoint-choice.ts'
import type { ServiceHealthPort } from './health/service-health.ts'
import type { VirtualServer } from './virtual-server.ts'

/** The label that says whose endpoints a slice holds (KEP-752). */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** By its presence another proxy claims a Service. */
const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name'
const PROTOCOLS = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const
/** What the API server fills in. */
const AFFINITY_SECONDS = 10_800

/** Whether this proxy forwards the Service at all: not headless ones, ExternalName, and those that another proxy claims. IPv4 only. */
export function isForwarded({ spec, metadata }: Service): boolean {
  const clusterIP = spec.clusterIP ?? ''
  if (spec.type === 'ExternalName' || clusterIP === '' || clusterIP === 'None' || clusterIP.includes(':')) return false
  return metadata.labels?.[PROXY_NAME_LABEL] === undefined
}

/**
 * What this node forwards for one Service: pure.
 * @param isOutside whether an external address may be one: what is a cluster IP or a pod's already is not taken from them
 */
export function virtualServers(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeView,
  isOutside: (address: string) => boolean = () => true,
): VirtualServer[] {
  if (!isForwarded(service)) return []
  const { spec, metadata } = service
  const isServed = (address: string) => isIPv4(address) && isOutside(address)
  const balanced = balancerAddresses(service).filter(isServed)
  const externalAddresses = [...new Set([...(spec.externalIPs ?? []).filter(isServed), ...balanced])]
  const keepsClientAddress = spec.externalTrafficPolicy === 'Local'
  return (spec.ports ?? []).flatMap((port): VirtualServer[] => {
    const protocol = PROTOCOLS[(port.protocol ?? 'TCP') as keyof typeof PROTOCOLS]
    if (protocol === undefined) return []
    const endpoints = endpointsOf(port, slices)
    const everywhere = clusterBackends(endpoints, node)
    const here = localBackends(endpoints, node)
    return [
      {
        name: `${metadata.namespace}/${metadata.name}:${port.name || port.port}`,
        protocol,
        port: port.port,
        addresses: [spec.clusterIP ?? ''],
        externalAddresses,
        nodePort: port.nodePort || undefined,
        backends: spec.internalTrafficPolicy === 'Local' ? here : everywhere,
        clusterBackends: everywhere,
        externalBackends: keepsClientAddress ? here : everywhere,
        keepsClientAddress,
        affinitySeconds: affinitySeconds(service),
        restricted: restriction(service, balanced),
      },
    ]
  })
}

/** What a load balancer outside is told of this Service on a node (`healthCheckNodePort`); nothing for most. Pure. */
export function healthPort(
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServiceHealthPort | undefined {
  const { type, externalTrafficPolicy, healthCheckNodePort: port } = service?.spec ?? {}
  if (!service || !isForwarded(service) || type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local' || !port) return undefined
  const endpoints = slices.filter(({ addressType }) => addressType === 'IPv4').flatMap((slice) => slice.endpoints ?? [])
  return { port, localEndpoints: readyHere(endpoints, nodeName) }
}

/** What a load balancer outside passes on with its own address as the destination. */
function balancerAddresses({ spec, status }: Service): string[] {
  if (spec.type !== 'LoadBalancer') return []
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? ip : []))
}

function affinitySeconds({ spec }: Service): number | undefined {
  return spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS) : undefined
}

/** Of a Service whose ranges are all of the other family, nobody is let in: somebody wanted few to be. */
function restriction({ spec }: Service, addresses: readonly string[]): VirtualServer['restricted'] {
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim())
  if (ranges.length === 0 || addresses.length === 0) return undefined
  return { addresses, sources: ranges.filter((range) => !range.includes(':')) }
}

function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[]): PortEndpoint[] {
  const found: PortEndpoint[] = []
  for (const slice of slices) {
    if (slice.addressType !== 'IPv4') continue
    const target = slice.ports?.find(
      (each) => (each.name ?? '') === (port.name ?? '') && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    )
    if (target?.port === undefined) continue
    for (const endpoint of slice.endpoints ?? []) found.push({ endpoint, port: target.port })
  }
  return found
}
