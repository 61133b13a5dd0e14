import { canonicalAddress } from '../../../shared/addresses/ip-address.ts'
import { familyOf, type IpFamily } from '../../../shared/addresses/ip-families.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { HEADLESS, isHeadless, needsClusterIP } from './service-kinds.ts'

const POLICY = 'spec.ipFamilyPolicy'
const OTHER: Readonly<Record<string, IpFamily>> = { IPv4: 'IPv6', IPv6: 'IPv4' }

/**
 * Fills in of which families a Service is, and answers what is wrong with that in this cluster; edits in place. As upstream's allocator does, in its
 * words (KEP-563): the policy is never chosen for a Service that has one, and no Service changes its families because the cluster did.
 * @param cluster the families that it has, the primary one first
 */
export function settleFamilies(spec: ServiceSpec, previous: ServiceSpec | undefined, cluster: readonly IpFamily[]): FieldProblem[] {
  if (!needsClusterIP(spec) || (previous && isSettledPreference(spec, previous))) return []
  spec.ipFamilyPolicy ||= previous?.ipFamilyPolicy || (isFree(spec) ? 'RequireDualStack' : 'SingleStack')
  const problems = previous ? [...changeProblems(spec, previous)] : []
  problems.push(...policyProblems(spec), ...inferFamilies(spec, cluster))
  if (problems.length > 0) return problems
  if (isFree(spec)) {
    if (!spec.ipFamilies?.length) spec.ipFamilies = cluster.slice(0, 1)
    addOther(spec)
    return []
  }
  problems.push(...clusterProblems(spec, cluster))
  if (problems.length > 0) return problems
  if (!spec.ipFamilies?.length) spec.ipFamilies = cluster.slice(0, 1)
  if (cluster.length === 2) addOther(spec)
  return []
}

/** Headless without a selector: whoever writes its endpoints says of which families they are. */
function isFree(spec: ServiceSpec): boolean {
  return isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0
}

/** One that would have both, has what it could get, and asks for nothing new. */
function isSettledPreference(next: ServiceSpec, previous: ServiceSpec): boolean {
  if (next.type !== previous.type || next.ipFamilyPolicy !== 'PreferDualStack' || previous.ipFamilyPolicy !== 'PreferDualStack')
    return false
  return sameValue(next.clusterIPs, previous.clusterIPs) && sameValue(next.ipFamilies, previous.ipFamilies)
}

/** With the policy `SingleStack` the second address and family go, unless somebody changed them; without it they may not be left out. */
function* changeProblems(next: ServiceSpec, previous: ServiceSpec): Generator<FieldProblem> {
  if (next.ipFamilyPolicy === 'SingleStack') {
    if (sameValue(next.clusterIPs, previous.clusterIPs)) next.clusterIPs = next.clusterIPs?.slice(0, 1)
    if (sameValue(next.ipFamilies, previous.ipFamilies)) next.ipFamilies = next.ipFamilies?.slice(0, 1)
    return
  }
  const isFewer = (now: readonly string[] = [], before: readonly string[] = []) => now.length > 0 && now.length < before.length
  const must = (what: string) => fieldProblem.invalid(POLICY, next.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`)
  if (isFewer(next.clusterIPs, previous.clusterIPs)) yield must('cluster IP')
  if (isFewer(next.ipFamilies, previous.ipFamilies)) yield must('IP family')
}

function* policyProblems({ ipFamilyPolicy, clusterIPs, ipFamilies }: ServiceSpec): Generator<FieldProblem> {
  if (ipFamilyPolicy !== 'SingleStack') return
  const must = (what: string) =>
    fieldProblem.invalid(POLICY, ipFamilyPolicy, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`)
  if (clusterIPs?.length === 2) yield must('cluster IPs')
  if (ipFamilies?.length === 2) yield must('IP families')
}

/** An address that is asked for says its family. */
function* inferFamilies(spec: ServiceSpec, cluster: readonly IpFamily[]): Generator<FieldProblem> {
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === HEADLESS || canonicalAddress(address) === undefined) return // the second is said by the kind's own validation
    if (index < (spec.ipFamilies?.length ?? 0)) continue
    const family = familyOf(address)
    if (cluster.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else yield fieldProblem.invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`)
  }
}

function* clusterProblems({ ipFamilyPolicy, ipFamilies = [] }: ServiceSpec, cluster: readonly IpFamily[]): Generator<FieldProblem> {
  if (ipFamilyPolicy === 'RequireDualStack' && cluster.length < 2) {
    yield fieldProblem.invalid(POLICY, ipFamilyPolicy, 'this cluster is not configured for dual-stack services')
  }
  for (const [index, family] of ipFamilies.entries()) {
    if (OTHER[family] && !cluster.some((each) => each === family)) {
      yield fieldProblem.invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')
    }
  }
}

function addOther(spec: ServiceSpec): void {
  const [first, ...rest] = spec.ipFamilies ?? []
  const other = first === undefined ? undefined : OTHER[first]
  if (first !== undefined && other && rest.length === 0 && spec.ipFamilyPolicy !== 'SingleStack') spec.ipFamilies = [first, other]
}
