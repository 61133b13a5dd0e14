import { familyOf, type IpFamily } from '../shared/addresses/ip-families.ts'
import { packetWords } from '../shared/addresses/packet-words.ts'
import type { Node } from '../shared/openapi/generated/core-v1.ts'
import { podRangeOf } from '../shared/pods/pod-routes.ts'
import type { NodePlace } from './dataplane/dataplane.ts'
import type { NodeView } from './endpoint-choice.ts'

const ZONE_LABEL = 'topology.kubernetes.io/zone'
const USUAL_KUBELET_PORT = 10_250

/** Where node ports are served: everywhere but on loopback, on the node's first address (`primary`, as upstream), or in ranges. */
export type NodePortAddresses = readonly string[]

/** The node as hints speak of it. Pure. */
export function nodeView(name: string, node: Node | undefined): NodeView {
  return { name, zone: node?.metadata.labels?.[ZONE_LABEL] }
}

/** Pure. A node that nobody has described yet has no pods. */
export function nodePlace(node: Node | undefined, nodePortAddresses: NodePortAddresses, family: IpFamily = 'IPv4'): NodePlace {
  const { everywhere, single } = packetWords(family)
  const range = node && podRangeOf(node, family)
  const primary = node?.status.addresses?.find(({ type, address }) => type === 'InternalIP' && familyOf(address) === family)?.address
  return {
    podRanges: range ? [range] : [],
    nodePortRanges:
      nodePortAddresses.length === 0
        ? [everywhere]
        : nodePortAddresses.flatMap((text) =>
            text === 'primary' ? (primary ? [`${primary}/${single}`] : []) : familyOf(text) === family ? [text] : [],
          ),
  }
}

/** Where the node's kubelet is reached: doors that are no Service's, whoever names them. Pure. */
export function kubeletDoors({ status }: Node): string[] {
  const port = status.daemonEndpoints?.kubeletEndpoint?.Port || USUAL_KUBELET_PORT
  const addresses = new Set((status.addresses ?? []).filter(({ type }) => type.endsWith('IP')).map(({ address }) => address))
  return [...addresses].map((address) => `${address}:${port}/tcp`)
}
