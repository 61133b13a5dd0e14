import { type RequiredObject, required } from './ensure.ts'

/**
 * `kube-dns`: the address of cluster DNS. It selects no Pods, because DNS runs on every node itself; the Service holds the
 * address so that nothing else gets it, and tells people and tools where DNS is.
 */
export function requiredDnsService(address: string): RequiredObject {
  return required('v1', 'Service', {
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: address,
      clusterIPs: [address],
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
        { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
      ],
    },
  })
}
