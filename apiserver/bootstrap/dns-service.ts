import { familiesOf } from '../../shared/addresses/ip-families.ts'
import { type RequiredObject, required } from './ensure.ts'

/**
 * `kube-dns`: the addresses of cluster DNS, of one family or of both. It selects no Pods, because DNS runs on every node itself; the Service holds
 * the addresses so that nothing else gets them, and tells people and tools where DNS is.
 */
export function requiredDnsService(addresses: readonly string[]): RequiredObject {
  const families = {
    clusterIPs: [...addresses],
    ipFamilies: [...familiesOf(addresses)],
    ipFamilyPolicy: addresses.length === 2 ? 'RequireDualStack' : 'SingleStack',
  }
  return required(
    'v1',
    'Service',
    {
      metadata: {
        name: 'kube-dns',
        namespace: 'kube-system',
        labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      },
      spec: {
        ...{ type: 'ClusterIP', clusterIP: addresses[0], ...families },
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        ],
      },
    },
    ({ spec, ...present }) => {
      const isOfOneFamily = spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === addresses[0]
      return isOfOneFamily && addresses.length === 2 ? { ...present, spec: { ...spec, ...families } } : undefined
    },
  )
}
