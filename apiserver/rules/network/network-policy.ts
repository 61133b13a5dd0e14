import { IpRange } from '../../../shared/addresses/ip-range.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../../../shared/openapi/generated/networking-v1.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { portNameProblems, portNumberProblems } from '../metadata/names.ts'
import { cidrProblems } from '../service/addresses.ts'
import { protocols } from '../service/protocols.ts'
import { hostBitsWarning } from './host-bits.ts'

const DIRECTIONS = ['Egress', 'Ingress']

interface Rule {
  readonly path: string
  readonly ports: readonly NetworkPolicyPort[]
  readonly peersPath: string
  readonly peers: readonly NetworkPolicyPeer[]
}

/** Ports are TCP's; without policyTypes a policy is about ingress, and about egress where it has rules for that. Edits in place. */
export function defaultNetworkPolicy(spec: NetworkPolicySpec): void {
  for (const { ports = [] } of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) for (const port of ports) port.protocol ||= 'TCP'
  if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
}

export function* networkPolicyProblems({ spec }: NetworkPolicy): Generator<FieldProblem> {
  yield* labelSelectorProblems(spec.podSelector, 'spec.podSelector')
  for (const { path, ports, peers, peersPath } of rulesOf(spec)) {
    for (const [index, port] of ports.entries()) yield* portProblems(port, `${path}.ports[${index}]`)
    for (const [index, peer] of peers.entries()) yield* peerProblems(peer, `${peersPath}[${index}]`)
  }
  const types = spec.policyTypes ?? []
  if (types.length > DIRECTIONS.length) {
    yield fieldProblem.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')
    return
  }
  for (const [index, type] of types.entries()) {
    if (!DIRECTIONS.includes(type)) yield fieldProblem.notSupported(`spec.policyTypes[${index}]`, type, DIRECTIONS)
  }
}

/** Ranges whose address goes on behind the prefix: most likely one machine was meant, or another range. */
export function* networkPolicyWarnings({ spec }: NetworkPolicy): Generator<string> {
  for (const { peers, peersPath } of rulesOf(spec)) {
    for (const [index, { ipBlock }] of peers.entries()) {
      if (!ipBlock) continue
      const path = `${peersPath}[${index}].ipBlock`
      yield* hostBitsWarning(ipBlock.cidr, `${path}.cidr`)
      for (const [place, range] of (ipBlock.except ?? []).entries()) yield* hostBitsWarning(range, `${path}.except[${place}]`)
    }
  }
}

function* rulesOf({ ingress = [], egress = [] }: NetworkPolicySpec): Generator<Rule> {
  for (const [index, { ports = [], from = [] }] of ingress.entries()) {
    const path = `spec.ingress[${index}]`
    yield { path, ports, peers: from, peersPath: `${path}.from` }
  }
  for (const [index, { ports = [], to = [] }] of egress.entries()) {
    const path = `spec.egress[${index}]`
    yield { path, ports, peers: to, peersPath: `${path}.to` }
  }
}

function* portProblems({ protocol, port, endPort }: NetworkPolicyPort, path: string): Generator<FieldProblem> {
  if (protocol !== undefined && !protocols.includes(protocol)) yield fieldProblem.notSupported(`${path}.protocol`, protocol, protocols)
  if (port === undefined) {
    if (endPort !== undefined) yield fieldProblem.required(`${path}.port`, 'must be specified when `endPort` is specified')
    return
  }
  if (typeof port === 'string') {
    if (endPort !== undefined) yield fieldProblem.invalid(`${path}.endPort`, endPort, 'may not be specified when `port` is non-numeric')
    for (const problem of portNameProblems(port)) yield fieldProblem.invalid(`${path}.port`, port, problem)
    return
  }
  for (const problem of portNumberProblems(port)) yield fieldProblem.invalid(`${path}.port`, port, problem)
  if (endPort === undefined) return
  if (endPort < port) yield fieldProblem.invalid(`${path}.endPort`, endPort, 'must be greater than or equal to `port`')
  for (const problem of portNumberProblems(endPort)) yield fieldProblem.invalid(`${path}.endPort`, endPort, problem)
}

function* peerProblems({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, path: string): Generator<FieldProblem> {
  if (podSelector) yield* labelSelectorProblems(podSelector, `${path}.podSelector`)
  if (namespaceSelector) yield* labelSelectorProblems(namespaceSelector, `${path}.namespaceSelector`)
  if (ipBlock) yield* blockProblems(ipBlock, `${path}.ipBlock`)
  if (!podSelector && !namespaceSelector && !ipBlock) yield fieldProblem.required(path, 'must specify a peer')
  else if (ipBlock && (podSelector || namespaceSelector))
    yield fieldProblem.forbidden(path, 'may not specify both ipBlock and another peer')
}

function* blockProblems({ cidr, except = [] }: IPBlock, path: string): Generator<FieldProblem> {
  if (!cidr) {
    yield fieldProblem.required(`${path}.cidr`)
    return
  }
  yield* cidrProblems(cidr, `${path}.cidr`)
  const whole = IpRange.parse(cidr)
  for (const [index, text] of except.entries()) {
    const at = `${path}.except[${index}]`
    yield* cidrProblems(text, at)
    const part = IpRange.parse(text)
    if (whole && part && !(part.isInside(whole) && !whole.isInside(part))) {
      yield fieldProblem.invalid(at, text, 'must be a strict subset of `cidr`')
    }
  }
}
