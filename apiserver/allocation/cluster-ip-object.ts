import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import type { IPAddress } from '../../shared/openapi/generated/networking-v1.ts'

/** Labels that upstream's allocator gives (KEP-1880); the second tells its objects from people's. */
const FAMILY = 'ipaddress.kubernetes.io/ip-family'
const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by'
const ALLOCATOR = 'ipallocator.k8s.io'

/** What is stored for one cluster IP of a Service, without what the server gives every new object. */
export function clusterIPObject(address: string, service: Service): IPAddress {
  const { namespace, name } = service.metadata
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress' },
    metadata: { name: address, labels: { [FAMILY]: address.includes(':') ? 'IPv6' : 'IPv4', [MANAGED_BY]: ALLOCATOR } },
    spec: { parentRef: { resource: 'services', namespace, name } },
  }
}

/** The addresses that a Service holds, in the spelling in which IPAddresses have them as names. */
export function clusterIPsOf(service: Service | undefined): string[] {
  if (!service || service.spec.type === 'ExternalName') return []
  const { clusterIP, clusterIPs } = service.spec
  return (clusterIPs ?? (clusterIP ? [clusterIP] : [])).flatMap((text) => canonicalAddress(text) ?? [])
}

/** Whether the allocator made it, and may take it away. */
export function isAllocators({ metadata }: IPAddress): boolean {
  return metadata.labels?.[MANAGED_BY] === ALLOCATOR
}

/** `namespace/name` of the Service that it is of; undefined where it is of something else. */
export function serviceOf({ spec }: IPAddress): string | undefined {
  const { group, resource, namespace, name } = spec.parentRef ?? {}
  return !group && resource === 'services' ? `${namespace}/${name}` : undefined
}

/** Whether it says of this Service all that the allocator would say. */
export function isObjectOf(object: IPAddress, service: Service): boolean {
  const wanted = clusterIPObject(object.metadata.name ?? '', service)
  if (!isAllocators(object) || object.metadata.labels?.[FAMILY] !== wanted.metadata.labels?.[FAMILY]) return false
  return serviceOf(object) === `${service.metadata.namespace}/${service.metadata.name}`
}
