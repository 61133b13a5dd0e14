import type { KubeObject } from '../objects/object.ts'
import type { Pod, PodAffinityTerm, PodSpec, ScopedResourceSelectorRequirement } from '../openapi/generated/core-v1.ts'
import { podQuantities, type Quantities } from '../pods/pod-quantities.ts'
import { meets } from '../selectors/value-operators.ts'
import { parseTimestamp } from '../time/timestamp.ts'
import { countName, one, type QuotaKind } from './quota-kind.ts'

const COUNT = countName('', 'pods')
const base = ['cpu', 'memory', 'ephemeral-storage'] as const
const computeNames: ReadonlySet<string> = new Set([
  ...base,
  ...base.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  'pods',
  COUNT,
])
/** Where these are limited, each container must say its own, or the sum would mean nothing. */
const mustBeSaid: ReadonlySet<string> = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

/** Pods: their number, and what those that have not finished ask for and may use. */
export const podQuota: QuotaKind = {
  ...{ group: '', resource: 'pods' },
  charges: (operation, subresource) => (operation === 'CREATE' ? subresource === '' : subresource === 'resize'),
  counts: (name) =>
    computeNames.has(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-') || isExtendedRequest(name),
  usage(object, now) {
    if (!isPod(object)) return new Map()
    const count: Quantities = new Map([[COUNT, one]])
    if (hasEnded(object, now)) return count
    return new Map([...count, ...quotaNames(podQuantities(object.spec, 'requests'), podQuantities(object.spec, 'limits'))])
  },
  isIn: (scope, object) => isPod(object) && podIsIn(scope, object),
  problem(names, object) {
    if (!isPod(object)) return undefined
    const required = names.filter((name) => mustBeSaid.has(name))
    const missing = new Map<string, Set<string>>()
    const said = namesSaid(object.spec)
    for (const { name: container, resources } of [...object.spec.containers, ...(object.spec.initContainers ?? [])]) {
      const own = namesSaid({ resources })
      for (const name of required) {
        if (own.has(name) || said.has(name)) continue
        missing.set(name, (missing.get(name) ?? new Set()).add(container))
      }
    }
    if (missing.size === 0) return undefined
    const parts = [...missing].sort(byName).map(([name, containers]) => `${name} for: ${[...containers].sort().join(',')}`)
    return `must specify ${parts.join('; ')}`
  },
}

function isPod(object: KubeObject): object is Pod {
  return object.apiVersion === 'v1' && object.kind === 'Pod'
}

/** Devices are named by their request only: there is no overcommitting them. */
function isExtendedRequest(name: string): boolean {
  return name.startsWith('requests.') && name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name.slice('requests.'.length))
}

function namesSaid({ resources }: Pick<PodSpec, 'resources'>): Set<string> {
  const requests = Object.keys(resources?.requests ?? {})
  const limits = Object.keys(resources?.limits ?? {})
  return new Set([...requests, ...requests.map((name) => `requests.${name}`), ...limits.map((name) => `limits.${name}`)])
}

function quotaNames(requests: Quantities, limits: Quantities): Quantities {
  const usage: Quantities = new Map([['pods', one]])
  for (const [name, amount] of requests) {
    const isPlain = base.some((each) => each === name) || name.startsWith('hugepages-')
    if (isPlain) usage.set(name, amount)
    if (isPlain || isExtendedRequest(`requests.${name}`)) usage.set(`requests.${name}`, amount)
  }
  for (const [name, amount] of limits) if (base.some((each) => each === name)) usage.set(`limits.${name}`, amount)
  return usage
}

/** Finished, or deleted and past its grace period: a node that does not answer must not hold a namespace's quota. */
function hasEnded({ metadata, status }: Pod, now: number): boolean {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return true
  const deleted = parseTimestamp(metadata.deletionTimestamp ?? undefined)
  if (deleted === undefined || metadata.deletionGracePeriodSeconds === undefined) return false
  return now > deleted + metadata.deletionGracePeriodSeconds * 1000
}

function podIsIn({ scopeName, operator, values = [] }: ScopedResourceSelectorRequirement, { spec, status }: Pod): boolean {
  const isTerminating = spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0
  switch (scopeName) {
    case 'Terminating':
      return isTerminating
    case 'NotTerminating':
      return !isTerminating
    case 'BestEffort':
      return status.qosClass === 'BestEffort'
    case 'NotBestEffort':
      return status.qosClass !== 'BestEffort'
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(spec)
    case 'PriorityClass':
      return meets(operator, values, spec.priorityClassName || undefined)
    default:
      return false
  }
}

function reachesOtherNamespaces({ affinity }: PodSpec): boolean {
  const reaches = ({ namespaces, namespaceSelector }: PodAffinityTerm) => (namespaces?.length ?? 0) > 0 || namespaceSelector !== undefined
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some(
    (terms) =>
      terms?.requiredDuringSchedulingIgnoredDuringExecution?.some(reaches) ||
      terms?.preferredDuringSchedulingIgnoredDuringExecution?.some(({ podAffinityTerm }) => reaches(podAffinityTerm)),
  )
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}
