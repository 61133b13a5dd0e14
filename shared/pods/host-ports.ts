import type { Pod } from '../openapi/generated/core-v1.ts'

/** A port of the node that is led to a port of a pod. */
export interface HostPort {
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  /** Of the node's addresses the one that it is; without it all of them. */
  readonly hostIP?: string | undefined
}

/** Pure: ports of the node that a pod wants for itself: its containers' and those of init containers that go on beside them. */
export function hostPortsOf({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol: given, hostIP }) => {
      const protocol = given || 'TCP'
      const isKnown = protocol === 'TCP' || protocol === 'UDP' || protocol === 'SCTP'
      return hostPort && isKnown ? [{ hostPort, containerPort, protocol, ...(hostIP ? { hostIP } : {}) }] : []
    }),
  )
}

/** Pure: whether one node cannot have both: same number and protocol, and an address in common, be it that one of them is on all. */
export function hostPortsClash(one: HostPort, other: HostPort): boolean {
  if (one.hostPort !== other.hostPort || one.protocol !== other.protocol) return false
  return isEverywhere(one) || isEverywhere(other) || one.hostIP === other.hostIP
}

const isEverywhere = ({ hostIP }: HostPort) => hostIP === undefined || hostIP === '0.0.0.0' || hostIP === '::'
