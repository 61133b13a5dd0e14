import { isIP } from 'node:net'
import { familyOf } from '../../../shared/addresses/ip-families.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { endpointAddressProblems } from './endpoints.ts'
import { HEADLESS, isHeadless, needsClusterIP } from './service-kinds.ts'

const families = ['IPv4', 'IPv6']
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']

/** Cluster IPs, families and external addresses, whatever the cluster has; as upstream's ValidateServiceClusterIPsRelatedFields. */
export function* addressesProblems(spec: ServiceSpec): Generator<FieldProblem> {
  const { clusterIPs = [], externalIPs = [], ipFamilies = [], ipFamilyPolicy } = spec
  if (!needsClusterIP(spec)) {
    if (clusterIPs.length > 0) yield fieldProblem.forbidden('spec.clusterIPs', "may not be set when type is 'ExternalName'")
    if (ipFamilies.length > 0) yield fieldProblem.forbidden('spec.ipFamilies', 'may not be set for ExternalName services')
    if (ipFamilyPolicy) yield fieldProblem.forbidden('spec.ipFamilyPolicy', 'may not be set for ExternalName services')
    return
  }
  for (const [index, family] of ipFamilies.entries()) {
    if (!families.includes(family)) yield fieldProblem.notSupported(`spec.ipFamilies[${index}]`, family, families)
    if (ipFamilies.indexOf(family) < index) yield fieldProblem.duplicate(`spec.ipFamilies[${index}]`, family)
  }
  if (ipFamilyPolicy && !policies.includes(ipFamilyPolicy)) yield fieldProblem.notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, policies)
  yield* clusterIPsProblems(spec)
  for (const [index, address] of externalIPs.entries()) yield* endpointAddressProblems(address, `spec.externalIPs[${index}]`)
}

function* clusterIPsProblems(spec: ServiceSpec): Generator<FieldProblem> {
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec
  if (clusterIP === '' && clusterIPs.length > 0) {
    yield fieldProblem.invalid('spec.clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified')
  } else if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    yield fieldProblem.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`')
  }
  if (clusterIPs.length > 2) yield fieldProblem.invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values')
  const isAlone = clusterIPs[0] !== HEADLESS || clusterIPs.length === 1
  if (!isAlone) yield fieldProblem.invalid('spec.clusterIPs', clusterIPs, "'None' must be the first and only value")
  const wrong = [...clusterIPs.entries()].filter(([index, address]) => isIP(address) === 0 && !(index === 0 && address === HEADLESS))
  for (const [index, address] of wrong) {
    yield fieldProblem.invalid(`spec.clusterIPs[${index}]`, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
  }
  if (!isAlone || wrong.length > 0) return
  if (new Set(clusterIPs.map(familyOf)).size !== clusterIPs.length) {
    yield fieldProblem.invalid('spec.clusterIPs', clusterIPs, 'may specify no more than one IP for each IP family')
  }
  if (isHeadless(spec)) return
  for (const [index, address] of clusterIPs.entries()) {
    const family = ipFamilies[index]
    if (family === undefined || !families.includes(family) || family === familyOf(address)) continue
    const why = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``
    yield fieldProblem.invalid(`spec.clusterIPs[${index}]`, address, why)
  }
}

/** What a Service is reached by is for life: only the second address, and the second family, come and go. In upstream's words. */
export function* addressesUpdateProblems(next: ServiceSpec, previous: ServiceSpec): Generator<FieldProblem> {
  if (!needsClusterIP(next) || !needsClusterIP(previous)) return
  const [isNow, was] = [isHeadless(next), isHeadless(previous)]
  if (isNow && was) return
  yield* keptProblems('spec.clusterIPs', { next: next.clusterIPs, previous: previous.clusterIPs, policy: next.ipFamilyPolicy }, 'clusterIP')
  if (isNow === was) {
    yield* keptProblems(
      'spec.ipFamilies',
      { next: next.ipFamilies, previous: previous.ipFamilies, policy: next.ipFamilyPolicy },
      'ipFamily',
    )
  }
}

interface Kept {
  readonly next: readonly string[] | undefined
  readonly previous: readonly string[] | undefined
  readonly policy: string | undefined
}

function* keptProblems(path: string, { next = [], previous = [], policy }: Kept, what: string): Generator<FieldProblem> {
  if (previous.length === 0) return
  if (next.length === 0) return yield fieldProblem.invalid(`${path}[0]`, next, `primary ${what} can not be unset`)
  for (const [index, text] of previous.entries()) {
    if (next[index] !== undefined && next[index] !== text) yield fieldProblem.invalid(`${path}[${index}]`, next, 'may not change once set')
  }
  if (previous.length === 2 && next.length === 1 && policy !== 'SingleStack') {
    yield fieldProblem.invalid('spec.ipFamilyPolicy', policy, `must be set to 'SingleStack' when releasing the secondary ${what}`)
  }
}
