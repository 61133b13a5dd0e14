import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Service, ServiceSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { labelsProblems } from '../metadata/labels.ts'
import { cidrProblems } from './addresses.ts'
import { addressesProblems, addressesUpdateProblems } from './service-addresses.ts'
import { HEADLESS, isHeadless, isReachableFromOutside, needsHealthCheckPort } from './service-kinds.ts'
import { servicePortsProblems } from './service-port.ts'

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const affinities = ['ClientIP', 'None']
const LONGEST_AFFINITY_SECONDS = 86_400

/** A Service as it may be stored. */
export function* serviceProblems({ spec }: Service): Generator<FieldProblem> {
  const { type = '', ports = [] } = spec
  if (ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName') yield fieldProblem.required('spec.ports')
  yield* servicePortsProblems(spec)
  if (!types.includes(type)) yield fieldProblem.notSupported('spec.type', type, types)
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    yield fieldProblem.invalid('spec.clusterIPs[0]', HEADLESS, `may not be set to 'None' for ${type} services`)
  }
  if (type === 'ExternalName') yield* externalNameProblems(spec)
  yield* labelsProblems(spec.selector, 'spec.selector')
  yield* affinityProblems(spec)
  yield* addressesProblems(spec)
  yield* trafficProblems(spec)
  yield* loadBalancerProblems(spec)
}

function* externalNameProblems({ externalName = '' }: ServiceSpec): Generator<FieldProblem> {
  if (externalName === '') yield fieldProblem.required('spec.externalName')
  else
    for (const problem of subdomainProblems(externalName.replace(/\.$/, '')))
      yield fieldProblem.invalid('spec.externalName', externalName, problem)
}

function* affinityProblems({ sessionAffinity = '', sessionAffinityConfig }: ServiceSpec): Generator<FieldProblem> {
  if (!affinities.includes(sessionAffinity)) yield fieldProblem.notSupported('spec.sessionAffinity', sessionAffinity, affinities)
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (sessionAffinity !== 'ClientIP' || seconds === undefined) return
  if (seconds <= 0 || seconds > LONGEST_AFFINITY_SECONDS) {
    const detail = `must be greater than 0 and less than ${LONGEST_AFFINITY_SECONDS}`
    yield fieldProblem.invalid('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, detail)
  }
}

function* trafficProblems(spec: ServiceSpec): Generator<FieldProblem> {
  const { externalTrafficPolicy: outside, internalTrafficPolicy: inside, healthCheckNodePort, trafficDistribution } = spec
  const policies = ['Cluster', 'Local']
  if (!isReachableFromOutside(spec)) {
    if (outside) yield fieldProblem.invalid('spec.externalTrafficPolicy', outside, 'may only be set for externally-accessible services')
  } else if (!outside) yield fieldProblem.required('spec.externalTrafficPolicy')
  else if (!policies.includes(outside)) yield fieldProblem.notSupported('spec.externalTrafficPolicy', outside, policies)
  if (healthCheckNodePort && !needsHealthCheckPort(spec)) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    yield fieldProblem.invalid('spec.healthCheckNodePort', healthCheckNodePort, detail)
  }
  if (spec.type !== 'ExternalName' && !inside) yield fieldProblem.required('spec.internalTrafficPolicy')
  if (inside && !policies.includes(inside)) yield fieldProblem.notSupported('spec.internalTrafficPolicy', inside, policies)
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone']
  if (trafficDistribution && !distributions.includes(trafficDistribution)) {
    yield fieldProblem.notSupported('spec.trafficDistribution', trafficDistribution, distributions)
  }
}

function* loadBalancerProblems(spec: ServiceSpec): Generator<FieldProblem> {
  const { type, loadBalancerSourceRanges: ranges = [], loadBalancerClass, allocateLoadBalancerNodePorts } = spec
  const only = "may only be used when `type` is 'LoadBalancer'"
  if (type !== 'LoadBalancer') {
    if (ranges.length > 0) yield fieldProblem.forbidden('spec.LoadBalancerSourceRanges', only)
    if (loadBalancerClass !== undefined) yield fieldProblem.forbidden('spec.loadBalancerClass', only)
    if (allocateLoadBalancerNodePorts !== undefined) yield fieldProblem.forbidden('spec.allocateLoadBalancerNodePorts', only)
    return
  }
  for (const [index, range] of ranges.entries()) yield* cidrProblems(range, `spec.loadBalancerSourceRanges[${index}]`)
  if (loadBalancerClass !== undefined) {
    for (const problem of labelKeyProblems(loadBalancerClass))
      yield fieldProblem.invalid('spec.loadBalancerClass', loadBalancerClass, problem)
  }
}

/** The address of a Service is for life, as long as it has one. */
export function* serviceUpdateProblems(next: Service, previous: Service): Generator<FieldProblem> {
  const [now, before] = [next.spec, previous.spec]
  yield* addressesUpdateProblems(now, before)
  const isSameBalancer = before.type === 'LoadBalancer' && now.type === 'LoadBalancer'
  if (isSameBalancer && before.loadBalancerClass !== now.loadBalancerClass) {
    yield fieldProblem.invalid('spec.loadBalancerClass', now.loadBalancerClass, 'may not change once set')
  }
  if (needsHealthCheckPort(now) && needsHealthCheckPort(before) && now.healthCheckNodePort !== before.healthCheckNodePort) {
    yield fieldProblem.invalid('spec.healthCheckNodePort', now.healthCheckNodePort, 'field is immutable')
  }
}
