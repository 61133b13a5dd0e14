import { familyOf, ofFamily } from '../../shared/addresses/ip-families.ts'
import { IpRange } from '../../shared/addresses/ip-range.ts'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { invalid } from '../../shared/errors/status-error.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { asKind } from '../registry/as-kind.ts'
import { sameValue } from '../registry/same-value.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import { exclusiveClaim } from './exclusive-claim.ts'
import type { NodeClaims } from './node-claims.ts'

/**
 * Everybody routes a node's pod range to that node: it lies among the pods' addresses, and is nobody else's. Kubelets never write it
 * (node-restriction.ts); the controller manager gives it, once.
 */
export function nodePodRanges({ podRanges, serviceRanges }: ClusterFacts, claims: NodeClaims): AdmissionRule {
  return exclusiveClaim({
    name: 'NodePodRanges',
    wanted: newRanges,
    check,
    take: (next, { context }) => claims.expect(next, context.reader),
  })

  function check(next: Node, request: AdmissionRequest): void {
    const problems = [...problemsOf(next, request)]
    if (problems.length > 0) throw invalid({ group: '', kind: 'Node' }, next.metadata.name ?? '', problems)
  }

  function* problemsOf({ metadata, spec }: Node, { context }: AdmissionRequest): Generator<FieldProblem> {
    for (const [index, text] of (spec.podCIDRs ?? []).entries()) {
      const range = IpRange.parse(text)
      if (!range) continue // said by the kind's own validation
      const path = `spec.podCIDRs[${index}]`
      if (podRanges.length > 0) {
        const cluster = ofFamily(familyOf(text), podRanges)
        if (!cluster) yield fieldProblem.invalid(path, text, `is of a family that pods do not have (${podRanges.join(', ')})`)
        else if (!isInside(range, cluster)) yield fieldProblem.invalid(path, text, `must lie in the range of all pods (${cluster})`)
      }
      const services = serviceRanges.find((each) => IpRange.parse(each)?.overlaps(range))
      if (services !== undefined) yield fieldProblem.invalid(path, text, `overlaps the range of Services (${services})`)
      const other = claims.of(context.reader).overlapping(range, metadata.name ?? '')
      if (other !== undefined) yield fieldProblem.invalid(path, text, `overlaps the pod range of ${other}`)
    }
  }
}

function isInside(range: IpRange, cluster: string): boolean {
  const whole = IpRange.parse(cluster)
  return whole !== undefined && range.isInside(whole)
}

/** The Node of a write that gives pod ranges. */
function newRanges({ operation, object, previous }: AdmissionRequest): Node | undefined {
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined
  const next = asKind(object, 'v1', 'Node')
  const before = asKind(previous, 'v1', 'Node')
  return !next?.spec.podCIDRs?.length || (before && sameValue(before.spec.podCIDRs, next.spec.podCIDRs)) ? undefined : next
}
