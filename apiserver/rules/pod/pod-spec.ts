import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Pod, PodDNSConfig, PodSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { labelsProblems } from '../metadata/labels.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { addressProblems } from '../service/addresses.ts'
import { volumesProblems } from '../volume/volume.ts'
import { affinityProblems } from './affinity.ts'
import { podContainersProblems } from './pod-containers.ts'
import { podResourcesProblems } from './pod-resources.ts'
import { podSecurityContextProblems } from './security-context.ts'
import { tolerationsProblems } from './tolerations.ts'
import { topologySpreadProblems } from './topology-spread.ts'

const restartPolicies = ['Always', 'OnFailure', 'Never']
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None']
const LONGEST_DEADLINE = 2 ** 31 - 1
const NAMESERVER_LIMIT = 3
const SEARCH_LIMIT = 32

export function podProblems(pod: Pod): Iterable<FieldProblem> {
  return podSpecProblems(pod.spec, 'spec')
}

/** What a new Pod may not come with. */
export function* podCreationProblems({ spec }: Pod): Generator<FieldProblem> {
  if (spec.schedulingGates?.length && spec.nodeName) {
    yield fieldProblem.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')
  }
  if (spec.ephemeralContainers?.length) yield fieldProblem.forbidden('spec.ephemeralContainers', 'cannot be set on create')
}

/** The spec of a pod, in a Pod or in a template. */
export function* podSpecProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  yield* volumesProblems(spec.volumes ?? [], `${path}.volumes`)
  yield* podContainersProblems(spec, path)
  yield* podResourcesProblems(spec, `${path}.resources`)
  const { restartPolicy = '', dnsPolicy = '' } = spec
  if (!restartPolicies.includes(restartPolicy)) yield fieldProblem.notSupported(`${path}.restartPolicy`, restartPolicy, restartPolicies)
  if (!dnsPolicies.includes(dnsPolicy)) yield fieldProblem.notSupported(`${path}.dnsPolicy`, dnsPolicy, dnsPolicies)
  yield* labelsProblems(spec.nodeSelector, `${path}.nodeSelector`)
  if (spec.securityContext) yield* podSecurityContextProblems(spec.securityContext, `${path}.securityContext`)
  if (spec.affinity) yield* affinityProblems(spec.affinity, `${path}.affinity`)
  yield* dnsProblems(spec, `${path}.dnsConfig`)
  yield* readinessGateProblems(spec, path)
  yield* tolerationsProblems(spec.tolerations ?? [], `${path}.tolerations`)
  yield* topologySpreadProblems(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`)
  yield* namesProblems(spec, path)
  yield* hostAliasProblems(spec, `${path}.hostAliases`)
  const deadline = spec.activeDeadlineSeconds
  if (deadline !== undefined && (deadline < 1 || deadline > LONGEST_DEADLINE)) {
    yield fieldProblem.invalid(`${path}.activeDeadlineSeconds`, deadline, `must be between 1 and ${LONGEST_DEADLINE}, inclusive`)
  }
  yield* gatesProblems(spec, `${path}.schedulingGates`)
  if (spec.shareProcessNamespace && spec.hostPID) {
    yield fieldProblem.invalid(`${path}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled')
  }
  if (spec.hostUsers === false) {
    for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const)
      if (spec[field]) yield fieldProblem.forbidden(`${path}.${field}`, 'when `hostUsers` is false')
  }
  if (spec.preemptionPolicy && !['PreemptLowerPriority', 'Never'].includes(spec.preemptionPolicy)) {
    yield fieldProblem.notSupported(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['Never', 'PreemptLowerPriority'])
  }
}

const nameRules = [
  ['serviceAccountName', subdomainProblems],
  ['nodeName', subdomainProblems],
  ['schedulerName', subdomainProblems],
  ['priorityClassName', subdomainProblems],
  ['runtimeClassName', subdomainProblems],
  ['hostname', dnsLabelProblems],
  ['subdomain', dnsLabelProblems],
] as const

function* namesProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  for (const [field, problemsOf] of nameRules) {
    const name = spec[field]
    if (name) for (const problem of problemsOf(name)) yield fieldProblem.invalid(`${path}.${field}`, name, problem)
  }
}

function* readinessGateProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  for (const [index, { conditionType }] of (spec.readinessGates ?? []).entries()) {
    for (const problem of labelKeyProblems(conditionType)) {
      yield fieldProblem.invalid(`${path}.readinessGates[${index}].conditionType`, conditionType, problem)
    }
  }
}

function* gatesProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  const names = new Set<string>()
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    for (const problem of labelKeyProblems(name)) yield fieldProblem.invalid(`${path}[${index}]`, name, problem)
    if (names.has(name)) yield fieldProblem.duplicate(`${path}[${index}]`, name)
    names.add(name)
  }
}

function* hostAliasProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  for (const [index, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    yield* addressProblems(ip, `${path}[${index}].ip`)
    for (const [place, name] of hostnames.entries()) {
      for (const problem of subdomainProblems(name)) yield fieldProblem.invalid(`${path}[${index}].hostnames[${place}]`, name, problem)
    }
  }
}

function* dnsProblems(spec: PodSpec, path: string): Generator<FieldProblem> {
  const { nameservers = [], searches = [], options = [] }: PodDNSConfig = spec.dnsConfig ?? {}
  if (spec.dnsPolicy === 'None' && nameservers.length === 0) {
    if (!spec.dnsConfig) yield fieldProblem.required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')
    else yield fieldProblem.required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')
  }
  if (nameservers.length > NAMESERVER_LIMIT) {
    yield fieldProblem.invalid(`${path}.nameservers`, nameservers, `must not have more than ${NAMESERVER_LIMIT} nameservers`)
  }
  for (const [index, address] of nameservers.entries()) yield* addressProblems(address, `${path}.nameservers[${index}]`)
  if (searches.length > SEARCH_LIMIT)
    yield fieldProblem.invalid(`${path}.searches`, searches, `must not have more than ${SEARCH_LIMIT} search paths`)
  for (const [index, search] of searches.entries()) {
    const name = search.replace(/\.$/, '')
    if (name === '' || /^[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?$/.test(name)) continue
    for (const problem of subdomainProblems(name)) yield fieldProblem.invalid(`${path}.searches[${index}]`, search, problem)
  }
  for (const [index, option] of options.entries())
    if (!option.name) yield fieldProblem.required(`${path}.options[${index}]`, 'must not be empty')
}
