import { parseAddress, specialRangeProblem } from '../../shared/addresses/ip-address.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid } from '../../shared/errors/status-error.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { HookContext } from '../registry/define-resource.ts'
import type { AdmissionRule } from './admission.ts'
import { asKind } from './as-kind.ts'
import { type ClusterFacts, ownedByCluster, spelling } from './cluster-facts.ts'
import { holdsAddresses } from './held-addresses.ts'

/**
 * A node is found, and believed, under its name and its addresses: this server dials them, other nodes route to them, and the certificate
 * that it serves with is made out to them. So nobody writes into a Node what is the cluster's own, or another node's. Only what a write
 * adds is looked at: a node keeps what it was once known by (docs/decisions/0008-whose-address.md).
 */
export function nodeAddresses(facts: ClusterFacts): AdmissionRule {
  const owner = ownedByCluster(facts)
  const pods = facts.podRange ? IpRange.parse(facts.podRange) : undefined
  return {
    name: 'NodeAddresses',
    validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return
      const next = asKind(request.object, 'v1', 'Node')
      if (!next) return
      const problems = [...problemsOf(next, asKind(request.previous, 'v1', 'Node'), request.context)]
      if (problems.length > 0) throw invalid({ group: '', kind: 'Node' }, request.name || next.metadata.name || '', problems)
    },
  }

  function* problemsOf(next: Node, previous: Node | undefined, context: HookContext): Generator<FieldProblem> {
    const name = next.metadata.name ?? ''
    const known = new Set((previous?.status.addresses ?? []).map(({ address }) => spelling(address)))
    const added = [...(next.status.addresses ?? []).entries()].filter(
      ([, { address }]) => !known.has(spelling(address)) && spelling(address) !== spelling(name),
    )
    if (previous && added.length === 0) return
    const others = context.reader.list('v1', 'Node').filter(({ metadata }) => metadata.name !== name)
    const ask = { next, others, context }
    if (!previous) {
      const why = problemOf(name, ask)
      if (why !== undefined) yield fieldProblem.invalid('metadata.name', name, why)
    }
    for (const [index, { address }] of added) {
      const why = problemOf(address, ask)
      if (why !== undefined) yield fieldProblem.invalid(`status.addresses[${index}].address`, address, why)
    }
  }

  function problemOf(text: string, { next, others, context }: { next: Node; others: readonly Node[]; context: HookContext }) {
    const whose = owner(text)
    if (whose !== undefined) return `belongs to ${whose}; a node has names and addresses of its own (--node-name, --node-ip)`
    const address = parseAddress(text)
    const special = address && specialRangeProblem(address)
    if (special !== undefined) return `${special}: others could not reach the node there; set --node-ip`
    if (address) {
      if (pods?.contains(address)) return `is in the range of all pods (${facts.podRange})`
      const among = [next, ...others].find(({ spec }) => (spec.podCIDRs ?? []).some((range) => IpRange.parse(range)?.contains(address)))
      if (among) return `is in the range of the pods of node ${JSON.stringify(among.metadata.name)}`
    }
    const wanted = spelling(text)
    for (const other of others) {
      const quoted = JSON.stringify(other.metadata.name)
      if (spelling(other.metadata.name ?? '') === wanted) return `is the name of node ${quoted}`
      const claims = (other.status.addresses ?? []).some((one) => spelling(one.address) === wanted)
      if (claims && holdsAddresses(other, context)) {
        return `is an address of node ${quoted}, which is alive; if that node is gone, kubectl delete node ${other.metadata.name}`
      }
    }
    return undefined
  }
}
