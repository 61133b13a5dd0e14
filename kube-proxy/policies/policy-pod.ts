import { canonicalAddress } from '../../shared/addresses/ip-address.ts'
import { type IpFamily, ofFamily } from '../../shared/addresses/ip-families.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'

export type Protocol = 'tcp' | 'udp' | 'sctp'

/** A port that containers of a pod gave a name to. */
export interface NamedPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

/** What policies ask of a pod, and no more: every node keeps this of all pods of the cluster. */
export interface PolicyPod extends KubeObject {
  readonly node: string
  /** Of each family; none before the kubelet has said it, when the pod has ended, and of pods on the host's network, which no policy speaks of. */
  readonly addresses: Readonly<Partial<Record<IpFamily, string>>>
  /** Has, or will have, a network of its own. */
  readonly isConnected: boolean
  readonly ports: readonly NamedPort[]
}

/** Projects a pod as it comes from the server. */
export function policyPod({ apiVersion, kind, metadata, spec, status }: Pod): PolicyPod {
  const { name, namespace, uid, resourceVersion, creationTimestamp, labels } = metadata
  const isConnected = spec.hostNetwork !== true && status.phase !== 'Succeeded' && status.phase !== 'Failed'
  const all = isConnected
    ? [...(status.podIPs ?? []).map(({ ip }) => ip), status.podIP ?? ''].flatMap((text) => canonicalAddress(text) ?? [])
    : []
  const [four, six] = [ofFamily('IPv4', all), ofFamily('IPv6', all)]
  return {
    ...{ apiVersion, kind, metadata: { name, namespace, uid, resourceVersion, creationTimestamp, labels } },
    ...{ node: spec.nodeName ?? '', isConnected, ports: namedPorts(spec) },
    addresses: { ...(four === undefined ? {} : { IPv4: four }), ...(six === undefined ? {} : { IPv6: six }) },
  }
}

/** `TCP` as the API writes it, for the kernel; TCP where nothing is said. Undefined for what is no protocol with ports. */
export function protocolOf(text = 'TCP'): Protocol | undefined {
  return text === 'TCP' ? 'tcp' : text === 'UDP' ? 'udp' : text === 'SCTP' ? 'sctp' : undefined
}

function namedPorts({ initContainers = [], containers }: Pod['spec']): NamedPort[] {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...sidecars, ...containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, protocol: text, containerPort: port }) => {
      const protocol = protocolOf(text)
      return name && protocol ? [{ name, protocol, port }] : []
    }),
  )
}
