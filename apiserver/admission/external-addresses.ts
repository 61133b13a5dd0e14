import { parseAddress } from '../../shared/addresses/ip-address.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid } from '../../shared/errors/status-error.ts'
import type { Service, ServicePort } from '../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { asKind } from './as-kind.ts'
import { type ClusterFacts, ownedByCluster, spelling } from './cluster-facts.ts'
import type { NodeClaims } from './node-claims.ts'

const USUAL_KUBELET_PORT = 10_250

/**
 * Every node leads an external address of a Service to the Service's pods. Whoever may make a Service in one namespace could so cut all
 * nodes off from this server, this server off from a kubelet, or others from their Service. Upstream leaves this to DenyServiceExternalIPs, which denies all.
 */
export function externalAddresses(facts: ClusterFacts, claims: NodeClaims): AdmissionRule {
  const owner = ownedByCluster(facts)
  const pods = facts.podRange ? IpRange.parse(facts.podRange) : undefined
  return {
    name: 'ServiceExternalAddresses',
    validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return
      const next = asKind(request.object, 'v1', 'Service')
      if (!next?.spec.externalIPs?.length) return
      const previous = asKind(request.previous, 'v1', 'Service')
      if (previous && sameValue(reach(previous), reach(next))) return
      const problems = [...problemsOf(next, request), ...takenBefore(next, request)]
      if (problems.length > 0) throw invalid({ group: '', kind: 'Service' }, next.metadata.name ?? '', problems)
    },
  }

  function* problemsOf({ spec }: Service, { context }: AdmissionRequest): Generator<FieldProblem> {
    for (const [index, text] of (spec.externalIPs ?? []).entries()) {
      const path = `spec.externalIPs[${index}]`
      const address = parseAddress(text)
      const whose = owner(text) ?? (address && pods?.contains(address) ? `pods (${facts.podRange})` : undefined)
      if (whose !== undefined) yield fieldProblem.invalid(path, text, `belongs to ${whose}`)
      for (const name of claims.of(context.reader).claimants(text, '')) {
        const node = context.reader.get('v1', 'Node', { name })
        const port = node?.status.daemonEndpoints.kubeletEndpoint.Port || USUAL_KUBELET_PORT
        const takes = (spec.ports ?? []).some((each) => each.port === port && (each.protocol ?? 'TCP') === 'TCP')
        if (takes)
          yield fieldProblem.invalid(path, text, `with port ${port} is where the kubelet of node ${JSON.stringify(name)} is reached`)
      }
    }
  }
}

/** Of one address and port there is one Service: of two, one would get the traffic by chance, and the end of one would be the end of both. */
function* takenBefore({ metadata, spec }: Service, { context }: AdmissionRequest): Generator<FieldProblem> {
  const addresses = new Map((spec.externalIPs ?? []).map((text, index) => [spelling(text), { text, index }]))
  const ports = new Set((spec.ports ?? []).map(portKey))
  for (const other of context.reader.list('v1', 'Service')) {
    const isThis = other.metadata.namespace === metadata.namespace && other.metadata.name === metadata.name
    if (isThis || !(other.spec.ports ?? []).some((each) => ports.has(portKey(each)))) continue
    for (const theirs of other.spec.externalIPs ?? []) {
      const taken = addresses.get(spelling(theirs))
      if (taken)
        yield fieldProblem.invalid(`spec.externalIPs[${taken.index}]`, taken.text, 'leads to another Service at one of these ports')
    }
  }
}

const portKey = ({ port, protocol = 'TCP' }: ServicePort) => `${port}/${protocol}`

/** What decides where an external address leads from. */
function reach({ spec }: Service): unknown {
  return [spec.externalIPs ?? [], (spec.ports ?? []).map(({ port, protocol }) => [port, protocol])]
}
