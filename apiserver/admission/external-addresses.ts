import { rangeAround } from '../../shared/addresses/ip-families.ts'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid } from '../../shared/errors/status-error.ts'
import type { Service } from '../../shared/openapi/generated/core-v1.ts'
import { doorsOf, externalAddressesOf, portKey } from '../allocation/external-doors.ts'
import { spelling } from '../allocation/spelling.ts'
import { asKind } from '../registry/as-kind.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { sameValue } from '../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { ClaimIndex } from './claim-index.ts'
import { type ClusterFacts, ownedByCluster } from './cluster-facts.ts'
import { exclusiveClaim } from './exclusive-claim.ts'
import { furtherRangeOf } from './further-ranges.ts'
import type { NodeClaims } from './node-claims.ts'

const USUAL_KUBELET_PORT = 10_250

/**
 * Every node leads an external address of a Service to the Service's pods: one that its owner names, or one that a load balancer gave it
 * (whoever may write its status). Whoever may make a Service in one namespace could so cut all
 * nodes off from this server, this server off from a kubelet, or others from their Service. Upstream leaves this to DenyServiceExternalIPs, which denies all.
 */
export function externalAddresses(facts: ClusterFacts, claims: NodeClaims): AdmissionRule {
  const owner = ownedByCluster(facts)
  /** Doors that writes on their way take. */
  const coming = new ClaimIndex()
  return exclusiveClaim({
    name: 'ServiceExternalAddresses',
    wanted: newReach,
    check,
    take(next) {
      const [doors, holder] = [doorsOf(next), nameOf(next)]
      for (const door of doors) coming.add(door, holder)
      return () => {
        for (const door of doors) coming.remove(door, holder)
      }
    },
  })

  function check(next: Service, request: AdmissionRequest): void {
    const problems = [...problemsOf(next, request), ...takenBefore(next, request, coming)]
    if (problems.length > 0) throw invalid({ group: '', kind: 'Service' }, next.metadata.name ?? '', problems)
  }

  function* problemsOf(next: Service, { context }: AdmissionRequest): Generator<FieldProblem> {
    for (const { path, text } of externalAddressesOf(next)) {
      const pods = rangeAround(text, facts.podRanges)
      const whose = owner(text) ?? (pods === undefined ? servicesOf(text, context.reader) : `pods (${pods})`)
      if (whose !== undefined) yield fieldProblem.invalid(path, text, `belongs to ${whose}`)
      for (const name of claims.of(context.reader).claimants(text, '')) {
        const node = context.reader.get('v1', 'Node', { name })
        const port = node?.status.daemonEndpoints.kubeletEndpoint.Port || USUAL_KUBELET_PORT
        const takes = (next.spec.ports ?? []).some((each) => each.port === port && (each.protocol ?? 'TCP') === 'TCP')
        if (takes)
          yield fieldProblem.invalid(path, text, `with port ${port} is where the kubelet of node ${JSON.stringify(name)} is reached`)
      }
    }
  }
}

/** Whose an address of a range is that was added for Services. */
function servicesOf(text: string, reader: ObjectReader): string | undefined {
  const range = furtherRangeOf(text, reader)
  return range === undefined ? undefined : `Services (${range})`
}

/** Of one address and port there is one Service: of two, one would get the traffic by chance, and the end of one would be the end of both. */
function* takenBefore(next: Service, { context }: AdmissionRequest, coming: ClaimIndex): Generator<FieldProblem> {
  const addresses = new Map(externalAddressesOf(next).map((place) => [spelling(place.text), place]))
  const ports = new Set((next.spec.ports ?? []).map(portKey))
  const taken = new Set<string>()
  for (const other of context.reader.list('v1', 'Service')) {
    if (nameOf(other) === nameOf(next) || !(other.spec.ports ?? []).some((each) => ports.has(portKey(each)))) continue
    for (const { text } of externalAddressesOf(other)) taken.add(spelling(text))
  }
  for (const [address, { path, text }] of addresses) {
    const isComing = [...ports].some((port) => [...coming.holders(`${address} ${port}`)].some((holder) => holder !== nameOf(next)))
    if (!isComing && !taken.has(address)) continue
    yield fieldProblem.invalid(path, text, 'leads to another Service at one of these ports')
  }
}

/** The Service of a write that leads from elsewhere than before. */
function newReach({ operation, object, previous }: AdmissionRequest): Service | undefined {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined
  const next = asKind(object, 'v1', 'Service')
  if (!next || externalAddressesOf(next).length === 0) return undefined
  const before = asKind(previous, 'v1', 'Service')
  return before && sameValue(reach(before), reach(next)) ? undefined : next
}

const nameOf = ({ metadata }: Service) => `${metadata.namespace}/${metadata.name}`

/** What decides where an external address leads from. */
function reach(service: Service): unknown {
  return [externalAddressesOf(service), (service.spec.ports ?? []).map(({ port, protocol }) => [port, protocol])]
}
