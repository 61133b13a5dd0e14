import { Zone } from '../../dns/zone.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import type { EndpointSlice } from '../../shared/openapi/generated/discovery-v1.ts'

export type Endpoints = NonNullable<EndpointSlice['endpoints']>

/** A Service of namespace `default`. */
export function serviceOf(name: string, spec: Service['spec']): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec, status: { loadBalancer: {} } }
}

/** A slice of that Service. */
export function sliceOf(service: string, endpoints: Endpoints, ports: EndpointSlice['ports'] = [], addressType = 'IPv4'): EndpointSlice {
  const metadata = { name: `${service}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': service } }
  return { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType, endpoints, ports }
}

/** The zone `cluster.local` over just these objects. */
export function zoneOver(services: readonly Service[], slices: readonly EndpointSlice[]): Zone {
  const source = {
    service: (namespace: string, name: string) =>
      namespace === 'default' ? services.find((each) => each.metadata.name === name) : undefined,
    slices: (_namespace: string, name: string) => slices.filter((each) => each.metadata.labels?.['kubernetes.io/service-name'] === name),
    serviceOfAddress: (address: string) => services.find(({ spec }) => (spec.clusterIPs ?? [spec.clusterIP]).includes(address)),
    slicesOfAddress: (address: string) => slices.filter((each) => each.endpoints?.some(({ addresses }) => addresses.includes(address))),
    hasNamespace: (name: string) => name === 'default',
  }
  return new Zone('cluster.local', source, ['10.96.0.10'])
}
