import { canonicalAddress } from '../shared/addresses/ip-address.ts'
import { familyOf, type IpFamily, ofFamily } from '../shared/addresses/ip-families.ts'
import type { Service, ServicePort } from '../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../shared/openapi/generated/discovery-v1.ts'
import { clusterBackends, localBackends, type NodeView, type PortEndpoint, readyHere } from './endpoint-choice.ts'
import type { ServiceHealthPort } from './health/service-health.ts'
import type { VirtualServer } from './virtual-server.ts'

/** The label that says whose endpoints a slice holds (KEP-752). */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name'

/** By the presence of one another proxy claims a Service, or it is said to need none although it has an address. */
const NOT_OURS_LABELS = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']
const PROTOCOLS = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const
/** What the API server fills in. */
const AFFINITY_SECONDS = 10_800

/** The Service's cluster IP of the family, where this proxy forwards it at all: not headless ones, ExternalName, and those whose labels say so. */
export function forwardedAddress({ spec, metadata }: Service, family: IpFamily): string | undefined {
  if (spec.type === 'ExternalName' || NOT_OURS_LABELS.some((label) => metadata.labels?.[label] !== undefined)) return undefined
  const all = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']
  return ofFamily(family, spellingsOf(all, family))
}

/** Those that are addresses of the family, in the one spelling of each: the table knows an address by its text. */
function spellingsOf(addresses: readonly string[], family: IpFamily): string[] {
  return addresses.flatMap((text) => {
    const address = canonicalAddress(text)
    return address !== undefined && familyOf(address) === family ? [address] : []
  })
}

/**
 * What this node forwards for one Service by addresses of one family: pure.
 * @param isOutside whether an external address may be one: what is a cluster IP or a pod's already is not taken from them
 */
export function virtualServers(
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeView,
  { family = 'IPv4', isOutside = () => true }: { family?: IpFamily; isOutside?: (address: string) => boolean } = {},
): VirtualServer[] {
  const clusterIP = forwardedAddress(service, family)
  if (clusterIP === undefined) return []
  const { spec, metadata } = service
  const served = (addresses: readonly string[]) => spellingsOf(addresses, family).filter(isOutside)
  const balanced = served(balancerAddresses(service))
  const externalAddresses = [...new Set([...served(spec.externalIPs ?? []), ...balanced])]
  const keepsClientAddress = spec.externalTrafficPolicy === 'Local'
  return (spec.ports ?? []).flatMap((port): VirtualServer[] => {
    const protocol = PROTOCOLS[(port.protocol ?? 'TCP') as keyof typeof PROTOCOLS]
    if (protocol === undefined) return []
    const endpoints = endpointsOf(port, slices, family)
    const everywhere = clusterBackends(endpoints, node)
    const here = localBackends(endpoints, node)
    return [
      {
        name: `${metadata.namespace}/${metadata.name}:${port.name || port.port}`,
        protocol,
        port: port.port,
        addresses: [clusterIP],
        externalAddresses,
        nodePort: port.nodePort || undefined,
        backends: spec.internalTrafficPolicy === 'Local' ? here : everywhere,
        clusterBackends: everywhere,
        externalBackends: keepsClientAddress ? here : everywhere,
        keepsClientAddress,
        affinitySeconds: affinitySeconds(service),
        restricted: restriction(service, balanced, family),
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
  if (!service || type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local' || !port) return undefined
  // Pods that have both families are there once.
  const family = familyOf(service.spec.clusterIP ?? '')
  if (forwardedAddress(service, family) === undefined) return undefined
  const endpoints = slices.filter(({ addressType }) => addressType === family).flatMap((slice) => slice.endpoints ?? [])
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
function restriction({ spec }: Service, addresses: readonly string[], family: IpFamily): VirtualServer['restricted'] {
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim())
  if (ranges.length === 0 || addresses.length === 0) return undefined
  return { addresses, sources: ranges.filter((range) => familyOf(range) === family) }
}

function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[], family: IpFamily): PortEndpoint[] {
  const found: PortEndpoint[] = []
  for (const slice of slices) {
    if (slice.addressType !== family) continue
    const target = slice.ports?.find(
      (each) => (each.name ?? '') === (port.name ?? '') && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    )
    if (target?.port === undefined) continue
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = spellingsOf(endpoint.addresses.slice(0, 1), family)
      if (address === undefined) continue
      found.push({ endpoint: address === endpoint.addresses[0] ? endpoint : { ...endpoint, addresses: [address] }, port: target.port })
    }
  }
  return found
}
