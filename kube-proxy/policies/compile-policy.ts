import type { IpFamily } from '../../shared/addresses/ip-families.ts'
import type { LabelSelector as LabelSelectorObject } from '../../shared/openapi/generated/meta-v1.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../shared/openapi/generated/networking-v1.ts'
import { everything, type LabelSelector, labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { SelectorError } from '../../shared/selectors/selector-error.ts'
import { type AddressRange, addressRange, type NumberRange, without } from './number-ranges.ts'
import type { PodChoice } from './peer-group.ts'
import { type Protocol, protocolOf } from './policy-pod.ts'

/** What may pass in one direction. */
export interface PolicyRule {
  /** Undefined: whoever it is. */
  readonly peers: readonly PodChoice[] | undefined
  /** Undefined: whatever it is, ICMP included. */
  readonly ports: readonly RulePort[] | undefined
}

/** Ports by number, by name, or with neither all of a protocol. */
export interface RulePort {
  readonly protocol: Protocol
  readonly numbers?: NumberRange | undefined
  readonly name?: string | undefined
}

/** A policy as it is enforced. A direction that it does not restrict is undefined; one without rules lets nothing pass. */
export interface CompiledPolicy {
  readonly selects: LabelSelector
  readonly ingress: readonly PolicyRule[] | undefined
  readonly egress: readonly PolicyRule[] | undefined
}

/**
 * Pure: a policy as it is for the addresses of one family. What the API does not let in (selectors that are none) meets nothing: then less passes, never more.
 * @returns undefined for a policy that selects by a selector that is none
 */
export function compilePolicy({ metadata, spec }: NetworkPolicy, family: IpFamily = 'IPv4'): CompiledPolicy | undefined {
  const selects = selectorOf(spec.podSelector)
  if (!selects) return undefined
  const namespace = metadata.namespace ?? ''
  const types = spec.policyTypes ?? []
  const compiled = (peers: readonly NetworkPolicyPeer[] | undefined, ports: readonly NetworkPolicyPort[] | undefined): PolicyRule => ({
    peers: peers?.length ? peers.flatMap((peer) => choiceOf(peer, namespace, family) ?? []) : undefined,
    ports: ports?.length ? ports.flatMap((port) => portOf(port) ?? []) : undefined,
  })
  return {
    selects,
    ingress: types.includes('Ingress') ? (spec.ingress ?? []).map(({ from, ports }) => compiled(from, ports)) : undefined,
    egress: types.includes('Egress') ? (spec.egress ?? []).map(({ to, ports }) => compiled(to, ports)) : undefined,
  }
}

function choiceOf(
  { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer,
  namespace: string,
  family: IpFamily,
): PodChoice | undefined {
  if (ipBlock) {
    const addresses = blockRanges(ipBlock, family)
    return addresses.length > 0 ? { addresses } : undefined
  }
  const pods = podSelector ? selectorOf(podSelector) : everything
  if (!pods) return undefined
  if (!namespaceSelector) return { namespace, pods }
  const namespaces = selectorOf(namespaceSelector)
  return namespaces && { namespaces, pods }
}

/** Of the family only: the rest is another table's. */
function blockRanges({ cidr, except = [] }: IPBlock, family: IpFamily): AddressRange[] {
  const whole = addressRange(cidr, family)
  return whole
    ? without(
        whole,
        except.map((each) => addressRange(each, family)).filter((range) => range !== undefined),
      )
    : []
}

function portOf({ protocol: text, port, endPort }: NetworkPolicyPort): RulePort | undefined {
  const protocol = protocolOf(text)
  if (!protocol) return undefined
  if (port === undefined) return { protocol }
  return typeof port === 'string' ? { protocol, name: port } : { protocol, numbers: [port, endPort ?? port] }
}

function selectorOf(object: LabelSelectorObject): LabelSelector | undefined {
  try {
    return labelSelectorFrom(object)
  } catch (error) {
    if (error instanceof SelectorError) return undefined
    throw error
  }
}
