import { BlockList, isIP } from 'node:net'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { LabelSelector } from '../../shared/openapi/generated/meta-v1.ts'
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../shared/openapi/generated/networking-v1.ts'

/** Everything that NetworkPolicies depend on. */
export interface PolicyWorld {
  readonly policies: readonly NetworkPolicy[]
  readonly pods: readonly Pod[]
  /** Name → labels. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** One end of a connection: a pod, or some other machine by its address. */
export type End = Pod | string

interface Wanted {
  readonly protocol: string
  readonly port: number
}

/**
 * Whether a connection between two ends is let through, straight from the words of the API, with nothing made ready and nothing shared
 * with the code that enforces it. Both ends must let it; pods reach themselves; pods on the host's network are not subject.
 */
export function lets(world: PolicyWorld, from: End, to: End, wanted: Wanted): boolean {
  if (from === to) return true
  return oneEndLets(world, from, to, to, 'Egress', wanted) && oneEndLets(world, to, from, to, 'Ingress', wanted)
}

function oneEndLets(world: PolicyWorld, self: End, other: End, target: End, direction: 'Ingress' | 'Egress', wanted: Wanted): boolean {
  if (typeof self === 'string' || self.spec.hostNetwork) return true
  const deciding = world.policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === self.metadata.namespace &&
      (spec.policyTypes ?? []).includes(direction) &&
      matches(spec.podSelector, self.metadata.labels),
  )
  if (deciding.length === 0) return true
  return deciding.some((policy) => {
    const rules =
      direction === 'Ingress'
        ? (policy.spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))
        : (policy.spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))
    return rules.some(
      ({ peers = [], ports = [] }) =>
        (peers.length === 0 || peers.some((peer) => meets(world, peer, other, policy.metadata.namespace ?? ''))) &&
        (ports.length === 0 || ports.some((port) => meetsPort(port, target, wanted))),
    )
  })
}

function meets(world: PolicyWorld, peer: NetworkPolicyPeer, other: End, namespace: string): boolean {
  if (peer.ipBlock) {
    const address = typeof other === 'string' ? other : (other.status.podIP ?? '')
    const { cidr, except = [] } = peer.ipBlock
    return inside(address, cidr) && !except.some((part) => inside(address, part))
  }
  if (typeof other === 'string' || other.spec.hostNetwork) return false
  const itsNamespace = other.metadata.namespace ?? ''
  const isThere = peer.namespaceSelector ? matches(peer.namespaceSelector, world.namespaces.get(itsNamespace)) : itsNamespace === namespace
  return isThere && (!peer.podSelector || matches(peer.podSelector, other.metadata.labels))
}

function meetsPort({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, target: End, wanted: Wanted): boolean {
  if (protocol !== wanted.protocol) return false
  if (port === undefined) return true
  if (typeof port === 'number') return wanted.port >= port && wanted.port <= (endPort ?? port)
  if (typeof target === 'string' || target.spec.hostNetwork) return false
  return target.spec.containers.some(({ ports = [] }) =>
    ports.some((each) => each.name === port && (each.protocol ?? 'TCP') === protocol && each.containerPort === wanted.port),
  )
}

function matches({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Readonly<Record<string, string>> = {}): boolean {
  const value = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined)
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    const own = value(key)
    if (operator === 'Exists') return own !== undefined
    if (operator === 'DoesNotExist') return own === undefined
    const isAmong = own !== undefined && values.includes(own)
    return operator === 'In' ? isAmong : !isAmong
  })
  return expressions.every(Boolean) && Object.entries(matchLabels).every(([key, wanted]) => value(key) === wanted)
}

function inside(address: string, range: string): boolean {
  const [network = '', prefix = ''] = range.split('/')
  const [one, other] = [isIP(address), isIP(network)]
  if (one === 0 || one !== other) return false
  const family = one === 6 ? 'ipv6' : 'ipv4'
  const list = new BlockList()
  list.addSubnet(network, Number(prefix), family)
  return list.check(address, family)
}
