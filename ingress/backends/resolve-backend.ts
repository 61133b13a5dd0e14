import type { Service, ServicePort } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice, Endpoint as SliceEndpoint } from '../../shared/openapi/generated/discovery-v1.ts'
import type { BackendReference } from '../routing/route.ts'

/** Where one Pod listens. */
export interface Address {
  readonly address: string
  readonly port: number
}

/** What is behind a port of a Service now. */
export interface ResolvedBackend {
  readonly addresses: readonly Address[]
  /** What Pods speak: `h2c` is HTTP/2 without TLS, where the Service's port says so. */
  readonly protocol: 'http' | 'h2c'
  /** Why there is nobody to ask; undefined when there is somebody. */
  readonly problem?: string | undefined
  /** The problem passes by itself: Pods are on their way. */
  readonly isPassing?: boolean | undefined
}

/** As KEP-3726 names HTTP/2 without TLS. */
const H2C = 'kubernetes.io/h2c'
const OVER_TLS: readonly string[] = ['https', 'kubernetes.io/wss', 'grpcs']

/**
 * The Pods behind a backend: those that are ready; where there are none, those that still serve while they end, because a late answer is
 * better than none (as kube-proxy).
 */
export function resolveBackend(
  reference: BackendReference,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): ResolvedBackend {
  const name = `${reference.namespace}/${reference.service}`
  const nobody = (problem: string): ResolvedBackend => ({ addresses: [], protocol: 'http', problem })
  if (!service) return nobody(`there is no Service ${name}`)
  if (service.spec.type === 'ExternalName') return nobody(`Service ${name} is an ExternalName: only Services with Pods are served`)
  const port = service.spec.ports?.find((each) => isNamed(each, reference.port))
  if (!port) return nobody(`Service ${name} has no port ${reference.port}`)
  if ((port.protocol ?? 'TCP') !== 'TCP') return nobody(`port ${reference.port} of Service ${name} is ${port.protocol}: HTTP goes over TCP`)
  if (OVER_TLS.includes(port.appProtocol?.toLowerCase() ?? '')) {
    return nobody(`port ${reference.port} of Service ${name} says ${port.appProtocol}: Pods are asked without TLS only`)
  }
  const found = endpointsOf(slices, port.name ?? '')
  const ready = found.filter(({ endpoint }) => endpoint.conditions.ready !== false)
  const ending = found.filter(({ endpoint: { conditions } }) => conditions.serving === true && conditions.terminating === true)
  const addresses = addressesOf(ready.length > 0 ? ready : ending)
  const protocol = port.appProtocol === H2C ? 'h2c' : 'http'
  if (addresses.length > 0) return { addresses, protocol }
  return { ...nobody(`Service ${name} has no endpoint that is ready`), protocol, isPassing: true }
}

function isNamed(port: ServicePort, wanted: string | number): boolean {
  return typeof wanted === 'number' ? port.port === wanted : port.name === wanted
}

interface Found {
  readonly endpoint: SliceEndpoint
  readonly port: number
}

function endpointsOf(slices: readonly EndpointSlice[], portName: string): Found[] {
  return slices.flatMap(({ addressType, ports, endpoints }) => {
    const port = addressType === 'FQDN' ? undefined : ports?.find((each) => (each.name ?? '') === portName)?.port
    return port === undefined ? [] : (endpoints ?? []).map((endpoint) => ({ endpoint, port }))
  })
}

/** Each once: while slices are repacked an endpoint may stand in two. Of several addresses of an endpoint the first counts, as documented. */
function addressesOf(found: readonly Found[]): Address[] {
  const addresses = new Map<string, Address>()
  for (const { endpoint, port } of found) {
    const address = endpoint.addresses[0]
    if (address !== undefined) addresses.set(`${address} ${port}`, { address, port })
  }
  return [...addresses.values()]
}
