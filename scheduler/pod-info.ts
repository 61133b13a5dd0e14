import { objectKey } from '../shared/objects/object.ts'
import type { Pod, PodAffinityTerm, Toleration, TopologySpreadConstraint } from '../shared/openapi/generated/core-v1.ts'
import { type HostPort, hostPortsOf } from '../shared/pods/host-ports.ts'
import { podDemand } from '../shared/pods/pod-demand.ts'
import { type LabelSelector, labelSelectorFrom } from '../shared/selectors/label-selector.ts'
import { claimsOfPod } from '../shared/volumes/pod-claims.ts'
import { localMark, mark, ownerMark } from './topology/mark-index.ts'

/** What a container that asks for nothing is counted with when nodes are compared (never when they are filtered), as upstream does. */
const UNSTATED_MILLI_CPU = 100
const UNSTATED_MEMORY = 200 * 1024 * 1024

/** A compiled (anti-)affinity term. */
export interface AffinityTerm {
  /** Same text, same pods that the term is about. */
  readonly about: string
  readonly topologyKey: string
  readonly selector: LabelSelector
  readonly namespaces: ReadonlySet<string>
  /** Namespaces by their labels; an empty selector means all. */
  readonly namespaceSelector: LabelSelector | undefined
  readonly weight: number
}

/** A compiled topology spread constraint. */
export interface SpreadConstraint {
  /** Same text, same labels that are counted. */
  readonly about: string
  readonly maxSkew: number
  readonly topologyKey: string
  readonly selector: LabelSelector
  readonly minDomains: number
  readonly honorAffinity: boolean
  readonly honorTaints: boolean
}

/** A pod with everything computed that filters and scores ask for again and again. */
export interface PodInfo {
  /** The newest form seen; only what is not computed below may differ from the one it was computed from. */
  pod: Pod
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly priority: number
  readonly milliCpu: number
  readonly memory: number
  /** What is asked for besides CPU and memory, where it is more than nothing. */
  readonly otherRequests: readonly (readonly [string, number])[]
  /** CPU and memory with a stand-in for what is not stated; for scoring. */
  readonly weighedMilliCpu: number
  readonly weighedMemory: number
  readonly hostPorts: readonly HostPort[]
  readonly tolerations: readonly Toleration[]
  /** Some volume of it is a claim; for nearly every pod nothing about volumes has to be asked. */
  readonly hasClaims: boolean
  /** The controller that owns it, for the default spreading. */
  readonly owner: string | undefined
  /** What questions about pods can find it by (`MarkIndex`). */
  readonly marks: readonly string[]
  readonly affinity: Affinities
  /** Some affinity term of it is there: it may speak for or against a newcomer. */
  readonly hasAffinity: boolean
  readonly hardSpread: readonly SpreadConstraint[]
  readonly softSpread: readonly SpreadConstraint[]
}

export interface Affinities {
  readonly required: readonly AffinityTerm[]
  readonly preferred: readonly AffinityTerm[]
  readonly requiredAnti: readonly AffinityTerm[]
  readonly preferredAnti: readonly AffinityTerm[]
}

const none: Affinities = { required: [], preferred: [], requiredAnti: [], preferredAnti: [] }

export function podInfo(pod: Pod): PodInfo {
  const { spec } = pod
  const requests = podDemand(pod)
  const constraints = spec.topologySpreadConstraints ?? []
  const namespace = pod.metadata.namespace ?? 'default'
  const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller)?.uid
  return {
    pod,
    key: objectKey(pod),
    uid: pod.metadata.uid ?? objectKey(pod),
    namespace,
    labels: pod.metadata.labels ?? {},
    priority: spec.priority ?? 0,
    milliCpu: requests.get('cpu') ?? 0,
    memory: requests.get('memory') ?? 0,
    otherRequests: [...requests].filter(([name, amount]) => name !== 'cpu' && name !== 'memory' && amount > 0),
    weighedMilliCpu: requests.get('cpu') ?? UNSTATED_MILLI_CPU * spec.containers.length,
    weighedMemory: requests.get('memory') ?? UNSTATED_MEMORY * spec.containers.length,
    hostPorts: hostPortsOf(pod),
    tolerations: spec.tolerations ?? [],
    hasClaims: claimsOfPod(pod).length > 0,
    owner,
    marks: marksOf(namespace, pod.metadata.labels, owner),
    affinity: affinities(pod),
    hasAffinity: spec.affinity?.podAffinity !== undefined || spec.affinity?.podAntiAffinity !== undefined,
    hardSpread: constraints
      .filter((constraint) => constraint.whenUnsatisfiable === 'DoNotSchedule')
      .map((constraint) => spread(constraint, pod)),
    softSpread: constraints
      .filter((constraint) => constraint.whenUnsatisfiable !== 'DoNotSchedule')
      .map((constraint) => spread(constraint, pod)),
  }
}

function marksOf(namespace: string, labels: Pod['metadata']['labels'], owner: string | undefined): string[] {
  const marks = owner === undefined ? [] : [ownerMark(owner)]
  for (const [key, value] of Object.entries(labels ?? {})) marks.push(mark(key, value), localMark(namespace, key, value))
  return marks
}

function affinities(pod: Pod): Affinities {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  if (!podAffinity && !podAntiAffinity) return none
  const plain = (terms: PodAffinityTerm[] | undefined) => (terms ?? []).map((term) => affinityTerm(term, 0, pod))
  return {
    required: plain(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: plain(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: (podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) =>
      affinityTerm(weighted.podAffinityTerm, weighted.weight, pod),
    ),
    preferredAnti: (podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) =>
      affinityTerm(weighted.podAffinityTerm, -weighted.weight, pod),
    ),
  }
}

function affinityTerm(term: PodAffinityTerm, weight: number, pod: Pod): AffinityTerm {
  const noneNamed = (term.namespaces ?? []).length === 0 && term.namespaceSelector === undefined
  const namespaces = noneNamed ? [pod.metadata.namespace ?? 'default'] : (term.namespaces ?? [])
  // An absent selector matches nothing, an empty one everything (PodAffinityTerm).
  const selector = labelSelectorFrom(term.labelSelector)
  const namespaceSelector = term.namespaceSelector && labelSelectorFrom(term.namespaceSelector)
  return {
    about: JSON.stringify([selectorText(selector), namespaces, selectorText(namespaceSelector)]),
    topologyKey: term.topologyKey,
    selector,
    namespaces: new Set(namespaces),
    namespaceSelector,
    weight,
  }
}

/** Absent, matching nothing, and matching everything are three. */
function selectorText(selector: LabelSelector | undefined): string | null | undefined {
  return selector && (selector.requirements.length === 0 && !selector.empty ? null : selector.toString())
}

function spread(constraint: TopologySpreadConstraint, pod: Pod): SpreadConstraint {
  const keyed = Object.fromEntries(
    (constraint.matchLabelKeys ?? []).flatMap((key) => {
      const value = pod.metadata.labels?.[key]
      return value === undefined ? [] : [[key, value]]
    }),
  )
  const { labelSelector } = constraint
  const selector = labelSelectorFrom(labelSelector && { ...labelSelector, matchLabels: { ...labelSelector.matchLabels, ...keyed } })
  return {
    about: JSON.stringify(selectorText(selector)),
    maxSkew: constraint.maxSkew,
    topologyKey: constraint.topologyKey,
    selector,
    minDomains: constraint.minDomains ?? 1,
    honorAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
    honorTaints: constraint.nodeTaintsPolicy === 'Honor',
  }
}
