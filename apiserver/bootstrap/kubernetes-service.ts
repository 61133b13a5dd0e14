import { isDeepStrictEqual } from 'node:util'
import { familyOf } from '../../shared/addresses/ip-families.ts'
import type { EndpointPort, EndpointSubset } from '../../shared/openapi/generated/core-v1.ts'
import { type RequiredObject, required } from './ensure.ts'

/** Where this API server can be reached from Pods. */
export interface Advertisement {
  /** An address that nodes and Pods can dial; not loopback. */
  readonly address: string
  readonly port: number
  /** The cluster IP of the `kubernetes` Service: the first of the range of its family, which is that of the address. */
  readonly serviceAddress: string
}

const NAME = { name: 'kubernetes', namespace: 'default' } as const
const LABELS = { component: 'apiserver', provider: 'kubernetes' } as const

/**
 * The `kubernetes` Service, and its endpoints, which no controller makes because it selects no Pods. The endpoints are set
 * anew at each start: the address of a container changes with it.
 */
export function requiredKubernetesService({ address, port, serviceAddress }: Advertisement): RequiredObject[] {
  const endpointPort: EndpointPort = { name: 'https', port, protocol: 'TCP' }
  const subsets: EndpointSubset[] = [{ addresses: [{ ip: address }], ports: [endpointPort] }]
  const endpoints = [{ addresses: [address], conditions: { ready: true } }]
  const addressType = familyOf(address)
  return [
    required('v1', 'Service', {
      metadata: { ...NAME, labels: { ...LABELS } },
      spec: {
        type: 'ClusterIP',
        clusterIP: serviceAddress,
        clusterIPs: [serviceAddress],
        ipFamilies: [familyOf(serviceAddress)],
        ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
        sessionAffinity: 'None',
      },
    }),
    required(
      'v1',
      'Endpoints',
      { metadata: { ...NAME, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }, subsets },
      (present) => (isDeepStrictEqual(present.subsets, subsets) ? undefined : { ...present, subsets }),
    ),
    required(
      'discovery.k8s.io/v1',
      'EndpointSlice',
      { metadata: { ...NAME, labels: { 'kubernetes.io/service-name': 'kubernetes' } }, addressType, endpoints, ports: [endpointPort] },
      (present) => {
        const same = present.endpoints?.[0]?.addresses[0] === address && present.endpoints.length === 1 && present.ports?.[0]?.port === port
        return same ? undefined : { ...present, endpoints, ports: [endpointPort] }
      },
    ),
  ]
}
