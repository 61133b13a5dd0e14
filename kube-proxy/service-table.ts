import type { Service, ServicePort } from '../shared/openapi/generated/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import type { Backend, VirtualServer } from './virtual-server.ts'

/** The label that says whose endpoints a slice holds (KEP-752). */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

const PROTOCOLS = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const

/**
 * What this node forwards for one Service: pure. Nothing for headless Services, for ExternalName, and for those that
 * carry the label by which another proxy claims them.
 * @param isOutside whether an external address may be one: what is a cluster IP or a pod's already is not taken from them
 */
export function virtualServers(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
  isOutside: (address: string) => boolean = () => true,
): VirtualServer[] {
  const { spec, metadata } = service
  const clusterIP = spec.clusterIP ?? ''
  if (spec.type === 'ExternalName' || clusterIP === '' || clusterIP === 'None' || clusterIP.includes(':')) return []
  if (metadata.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined) return []
  const externalAddresses = [...new Set([...(spec.externalIPs ?? []), ...balancerAddresses(service)])]
  return (spec.ports ?? []).flatMap((port) => {
    const protocol = PROTOCOLS[(port.protocol ?? 'TCP') as keyof typeof PROTOCOLS]
    if (protocol === undefined) return []
    const endpoints = endpointsOf(port, slices)
    const keepsClientAddress = spec.externalTrafficPolicy === 'Local'
    const everywhere = usable(endpoints)
    const here = usable(endpoints.filter(({ endpoint }) => endpoint.nodeName === nodeName))
    return [
      {
        name: `${metadata.namespace}/${metadata.name}:${port.name || port.port}`,
        protocol,
        port: port.port,
        addresses: [clusterIP],
        externalAddresses: externalAddresses.filter((address) => !address.includes(':') && isOutside(address)),
        nodePort: port.nodePort || undefined,
        backends: spec.internalTrafficPolicy === 'Local' ? here : everywhere,
        externalBackends: keepsClientAddress ? here : everywhere,
        keepsClientAddress,
      },
    ]
  })
}

/**
 * What a load balancer outside passes on with its own address as the destination. Those whose clients are restricted are left to the
 * balancer: we do not look at sources, and everybody would get in.
 */
function balancerAddresses({ spec, status }: Service): string[] {
  if (spec.type !== 'LoadBalancer' || (spec.loadBalancerSourceRanges?.length ?? 0) > 0) return []
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== 'Proxy' ? ip : []))
}

interface PortEndpoint {
  endpoint: Endpoint
  port: number
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

/** Ready endpoints; when there are none, those that are shutting down and still serve (KEP-1669). Sorted, so that equal sets look equal. */
function usable(endpoints: readonly PortEndpoint[]): Backend[] {
  const ready = endpoints.filter(({ endpoint }) => endpoint.conditions.ready !== false)
  const serving =
    ready.length > 0 ? ready : endpoints.filter(({ endpoint }) => endpoint.conditions.serving && endpoint.conditions.terminating)
  const byText = new Map(
    serving.flatMap(({ endpoint, port }) => {
      const address = endpoint.addresses[0]
      return address === undefined ? [] : [[`${address}:${port}`, { address, port }] as const]
    }),
  )
  return [...byText].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, backend]) => backend)
}
