import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { HostPort } from './pod-network.ts'

/** Ports of the node that a pod wants for itself. Host-network pods listen there themselves and need nothing mapped. */
export function hostPortsOf(pod: Pod): HostPort[] {
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...pod.spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP }) => {
      const known = protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP'
      return hostPort && known ? [{ hostPort, containerPort, protocol, ...(hostIP ? { hostIP } : {}) }] : []
    }),
  )
}
