import { parseAddress, specialRangeProblem } from '../../shared/addresses/ip-address.ts'
import { rangeAround } from '../../shared/addresses/ip-families.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid } from '../../shared/errors/status-error.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { spelling } from '../allocation/spelling.ts'
import { asKind } from '../registry/as-kind.ts'
import type { HookContext } from '../registry/define-resource.ts'
import { sameValue } from '../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { type ClusterFacts, ownedByCluster } from './cluster-facts.ts'
import { exclusiveClaim } from './exclusive-claim.ts'
import { holdsAddresses } from './held-addresses.ts'
import type { NodeClaims } from './node-claims.ts'

/**
 * A node is found, and believed, under its name and its addresses: this server dials them, other nodes route to them, and the certificate
 * that it serves with is made out to them. So nobody writes into a Node what is the cluster's own, or another node's. Only what a write
 * adds is looked at: a node keeps what it was once known by (docs/decisions/0008-whose-address.md).
 */
export function nodeAddresses(facts: ClusterFacts, claims: NodeClaims): AdmissionRule {
  const owner = ownedByCluster(facts)
  return exclusiveClaim({
    name: 'NodeAddresses',
    wanted: newAddresses,
    check,
    take: (next, { context }) => claims.expect(next, context.reader),
  })

  function check(next: Node, { name, previous, context }: AdmissionRequest): void {
    const problems = [...problemsOf(next, asKind(previous, 'v1', 'Node'), context)]
    if (problems.length > 0) throw invalid({ group: '', kind: 'Node' }, name || next.metadata.name || '', problems)
  }

  function* problemsOf(next: Node, previous: Node | undefined, context: HookContext): Generator<FieldProblem> {
    const name = next.metadata.name ?? ''
    const known = new Set((previous?.status.addresses ?? []).map(({ address }) => spelling(address)))
    const added = [...(next.status.addresses ?? []).entries()].filter(
      ([, { address }]) => !known.has(spelling(address)) && spelling(address) !== spelling(name),
    )
    if (previous && added.length === 0) return
    const ask = { name, claims: claims.of(context.reader), context, own: ownRanges(next) }
    if (!previous) {
      const why = problemOf(name, ask)
      if (why !== undefined) yield fieldProblem.invalid('metadata.name', name, why)
    }
    for (const [index, { address }] of added) {
      const why = problemOf(address, ask)
      if (why !== undefined) yield fieldProblem.invalid(`status.addresses[${index}].address`, address, why)
    }
  }

  function problemOf(text: string, { name, claims, own, context }: Question): string | undefined {
    const whose = owner(text)
    if (whose !== undefined) return `belongs to ${whose}; a node has names and addresses of its own (--node-name, --node-ip)`
    const address = parseAddress(text)
    const special = address && specialRangeProblem(address)
    if (special !== undefined) return `${special}: others could not reach the node there; set --node-ip`
    if (address) {
      const pods = rangeAround(text, facts.podRanges)
      if (pods !== undefined) return `is in the range of all pods (${pods})`
      const among = own.some((range) => range.contains(address)) ? name : claims.ownerOfPod(address)
      if (among !== undefined) return `is in the range of the pods of node ${JSON.stringify(among)}`
    }
    for (const other of claims.claimants(text, name)) {
      if (spelling(other) === spelling(text)) return `is the name of node ${JSON.stringify(other)}`
      if (holdsAddresses(other, context)) {
        return `is an address of node ${JSON.stringify(other)}, which is alive; if that node is gone, kubectl delete node ${other}`
      }
    }
    return undefined
  }
}

/** The Node of a write that may add to its names and addresses. */
function newAddresses({ operation, object, previous }: AdmissionRequest): Node | undefined {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined
  const next = asKind(object, 'v1', 'Node')
  const before = asKind(previous, 'v1', 'Node')
  return next && before && sameValue(before.status.addresses, next.status.addresses) ? undefined : next
}

/** What one write is asked with. */
interface Question {
  readonly name: string
  readonly claims: NodeClaims
  readonly own: readonly IpRange[]
  readonly context: HookContext
}

function ownRanges({ spec }: Node): IpRange[] {
  return (spec.podCIDRs ?? []).flatMap((range) => IpRange.parse(range) ?? [])
}
