import { IP_ALLOCATOR, IP_FAMILY, IP_MANAGED_BY, isAllocators } from '../../shared/addresses/allocated-address.ts'
import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import type { IPAddress } from '../../shared/openapi/generated/networking-v1.ts'

/** What is stored for one cluster IP of a Service, without what the server gives every new object. */
export function clusterIPObject(address: string, service: Service): IPAddress {
  const { namespace, name } = service.metadata
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress' },
    metadata: { name: address, labels: { [IP_FAMILY]: address.includes(':') ? 'IPv6' : 'IPv4', [IP_MANAGED_BY]: IP_ALLOCATOR } },
    spec: { parentRef: { resource: 'services', namespace, name } },
  }
}

/** The addresses that a Service holds, in the spelling in which IPAddresses have them as names. */
export function clusterIPsOf(service: Service | undefined): string[] {
  if (!service || service.spec.type === 'ExternalName') return []
  const { clusterIP, clusterIPs } = service.spec
  return (clusterIPs ?? (clusterIP ? [clusterIP] : [])).flatMap((text) => canonicalAddress(text) ?? [])
}

/** `namespace/name` of the Service that it is of; undefined where it is of something else. */
export function serviceOf({ spec }: IPAddress): string | undefined {
  const { group, resource, namespace, name } = spec.parentRef ?? {}
  return !group && resource === 'services' ? `${namespace}/${name}` : undefined
}

/** Whether it says of this Service all that the allocator would say. */
export function isObjectOf(object: IPAddress, service: Service): boolean {
  const wanted = clusterIPObject(object.metadata.name ?? '', service)
  if (!isAllocators(object) || object.metadata.labels?.[IP_FAMILY] !== wanted.metadata.labels?.[IP_FAMILY]) return false
  return serviceOf(object) === `${service.metadata.namespace}/${service.metadata.name}`
}
