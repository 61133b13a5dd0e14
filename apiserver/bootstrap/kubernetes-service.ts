import { familyOf } from '../../shared/addresses/ip-families.ts'
import { type RequiredObject, required } from './ensure.ts'
import type { ServerAddress } from './kubernetes-endpoints.ts'

/** Where this API server can be reached from Pods, and where all of them. */
export interface Advertisement extends ServerAddress {
  /** The cluster IP of the `kubernetes` Service: the first of the range of its family, which is that of the address. */
  readonly serviceAddress: string
}

/** The `kubernetes` Service; where it leads is `kubernetes-endpoints.ts`. */
export function requiredKubernetesService({ port, serviceAddress }: Advertisement): RequiredObject {
  return required('v1', 'Service', {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: serviceAddress,
      clusterIPs: [serviceAddress],
      ipFamilies: [familyOf(serviceAddress)],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
      sessionAffinity: 'None',
    },
  })
}
