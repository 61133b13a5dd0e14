// A slow and plain second opinion on placement: every answer is counted anew from a list of nodes and pods. What it knows of the rules it knows from
// upstream's descriptions, and none of the scheduler's code.
import type { Node, Pod, PodAffinityTerm, TopologySpreadConstraint } from '../../shared/openapi/generated/core-v1.ts'

export const HOST = 'kubernetes.io/hostname'
export const ZONE = 'topology.kubernetes.io/zone'
export type Labels = Record<string, string>
export type Selector = { matchLabels?: Labels; matchExpressions?: { key: string; operator: string; values?: string[] }[] } | undefined

/** Nodes and pods as a list; every answer is counted from it anew. */
export class Picture {
  readonly nodes = new Map<string, Node>()
  readonly pods = new Map<string, Pod>()
  readonly namespaces = new Map<string, Labels>()

  on(node: Node): Pod[] {
    return [...this.pods.values()].filter(({ spec }) => spec.nodeName === node.metadata.name)
  }

  /** Pods in the same domain as the node. */
  beside(node: Node, key: string, counts: (one: Node) => boolean = () => true): Pod[] {
    const domain = node.metadata.labels?.[key]
    return [...this.nodes.values()]
      .filter((one) => domain !== undefined && one.metadata.labels?.[key] === domain && counts(one))
      .flatMap((one) => this.on(one))
  }

  everywhere(key: string): Pod[] {
    return [...this.nodes.values()].filter((one) => one.metadata.labels?.[key] !== undefined).flatMap((one) => this.on(one))
  }
}

const labelsOf = (object: Pod | Node): Labels => object.metadata.labels ?? {}
const cpuOf = ({ spec }: Pod) => Number.parseInt(spec.containers[0]?.resources?.requests?.['cpu'] ?? '0', 10)
const sum = (numbers: number[]) => numbers.reduce((total, each) => total + each, 0)

function selects(selector: Selector, labels: Labels): boolean {
  if (!selector) return false
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      if (operator === 'In') return values.includes(labels[key] ?? '-')
      return operator === 'NotIn' ? !values.includes(labels[key] ?? '-') : operator === 'Exists' ? key in labels : !(key in labels)
    })
  )
}

/** Whether `owner`'s term is about `other`. */
function isAbout(term: PodAffinityTerm, owner: Pod, other: Pod, { namespaces }: Picture): boolean {
  const namespace = other.metadata.namespace ?? ''
  const named = term.namespaces ?? []
  const here = named.length === 0 && term.namespaceSelector === undefined ? [owner.metadata.namespace] : named
  return (
    (here.includes(namespace) || selects(term.namespaceSelector as Selector, namespaces.get(namespace) ?? {})) &&
    selects(term.labelSelector as Selector, labelsOf(other))
  )
}

const termsOf = ({ spec }: Pod) => ({
  near: spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
  far: spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
  wanted: spec.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
  unwanted: spec.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
})

const tolerated = ({ spec }: Pod, node: Node, effect: string) =>
  (node.spec.taints ?? [])
    .filter((taint) => taint.effect === effect)
    .every(({ key }) => spec.tolerations?.some((toleration) => toleration.key === key))
const selected = ({ spec }: Pod, node: Node) =>
  Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labelsOf(node)[key] === value)

/** Matching pods by domain for one of a pod's constraints, over the nodes that count. */
function spreadCounts(
  constraint: TopologySpreadConstraint,
  fellows: TopologySpreadConstraint[],
  pod: Pod,
  picture: Picture,
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const node of picture.nodes.values()) {
    if (!fellows.every(({ topologyKey }) => labelsOf(node)[topologyKey] !== undefined)) continue
    if (constraint.nodeAffinityPolicy !== 'Ignore' && !selected(pod, node)) continue
    if (constraint.nodeTaintsPolicy === 'Honor' && !tolerated(pod, node, 'NoSchedule')) continue
    const domain = labelsOf(node)[constraint.topologyKey] ?? ''
    const matching = picture
      .on(node)
      .filter(
        ({ metadata }) =>
          metadata.namespace === pod.metadata.namespace &&
          !metadata.deletionTimestamp &&
          selects(constraint.labelSelector as Selector, metadata.labels ?? {}),
      )
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length)
  }
  return counts
}

const constraintsOf = ({ spec }: Pod, how: string) =>
  (spec.topologySpreadConstraints ?? []).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === how)

/** Whether all rules take the pod there. */
export function fits(pod: Pod, node: Node, picture: Picture): boolean {
  if (node.spec.unschedulable || !tolerated(pod, node, 'NoSchedule') || !selected(pod, node)) return false
  const here = picture.on(node)
  if (cpuOf(pod) > 0 && sum(here.map(cpuOf)) + cpuOf(pod) > 4_000) return false
  const hard = constraintsOf(pod, 'DoNotSchedule')
  for (const constraint of hard) {
    const domain = labelsOf(node)[constraint.topologyKey]
    if (domain === undefined) return false
    const counts = spreadCounts(constraint, hard, pod, picture)
    const least = counts.size === 0 || counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values())
    const self = selects(constraint.labelSelector as Selector, labelsOf(pod)) ? 1 : 0
    if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew) return false
  }
  const { near, far } = termsOf(pod)
  const isCompany = (other: Pod) => near.every((term) => isAbout(term, pod, other, picture))
  if (near.some(({ topologyKey }) => labelsOf(node)[topologyKey] === undefined)) return false
  const isFirst = !near.some(({ topologyKey }) => picture.everywhere(topologyKey).some(isCompany)) && isCompany(pod)
  if (!isFirst && !near.every(({ topologyKey }) => picture.beside(node, topologyKey).some(isCompany))) return false
  if (far.some((term) => picture.beside(node, term.topologyKey).some((other) => isAbout(term, pod, other, picture)))) return false
  return ![...picture.pods.values()].some((other) =>
    termsOf(other).far.some((term) => picture.beside(node, term.topologyKey).includes(other) && isAbout(term, other, pod, picture)),
  )
}

/** What all rules give each of the nodes, with their weights. */
export function totals(pod: Pod, nodes: Node[], picture: Picture): number[] {
  const cpu = cpuOf(pod) || 100
  const used = (node: Node) => sum(picture.on(node).map((other) => cpuOf(other) || 100))
  const memory = (node: Node) => ((picture.on(node).length + 1) * 200) / 8_192
  const share = (node: Node) => (used(node) + cpu) / 4_000
  const fit = nodes.map((node) => (Math.max(1 - share(node), 0) * 100 + Math.max(1 - memory(node), 0) * 100) / 2)
  const balance = nodes.map((node) =>
    cpuOf(pod) === 0 ? 0 : (1 - Math.abs(Math.min(share(node), 1) - Math.min(memory(node), 1)) / 2) * 100,
  )
  const taints = reversed(nodes.map((node) => Number(!tolerated(pod, node, 'PreferNoSchedule'))))
  return nodes.map(
    (_, index) =>
      at(fit, index) +
      at(balance, index) +
      3 * at(taints, index) +
      2 * at(spreadPoints(pod, nodes, picture), index) +
      2 * at(affinityPoints(pod, nodes, picture), index),
  )
}

const at = (numbers: number[], index: number) => numbers[index] ?? Number.NaN
const reversed = (points: number[]) => {
  const known = points.filter((each) => !Number.isNaN(each))
  const [highest, lowest] = [Math.max(...known), Math.min(...known)]
  return points.map((each) => (Number.isNaN(each) ? 0 : highest <= 0 ? 100 : ((highest + lowest - each) * 100) / highest))
}

function spreadPoints(pod: Pod, nodes: Node[], picture: Picture): number[] {
  const soft = constraintsOf(pod, 'ScheduleAnyway')
  const owner = pod.metadata.ownerReferences?.[0]?.uid
  const weight = (key: string) =>
    Math.log((key === HOST ? nodes.length : new Set(nodes.flatMap((node) => labelsOf(node)[key] ?? [])).size) + 2)
  if (soft.length > 0) {
    const counts = soft.map((constraint) => spreadCounts(constraint, soft, pod, picture))
    return reversed(
      nodes.map((node) =>
        sum(
          soft.map(({ topologyKey, maxSkew }, index) => {
            const domain = labelsOf(node)[topologyKey]
            return domain === undefined ? Number.NaN : (counts[index]?.get(domain) ?? 0) * weight(topologyKey) + maxSkew - 1
          }),
        ),
      ),
    )
  }
  if (!owner || constraintsOf(pod, 'DoNotSchedule').length > 0) return nodes.map(() => 0)
  const kin = (other: Pod) => other.metadata.ownerReferences?.[0]?.uid === owner && !other.metadata.deletionTimestamp
  const points = (node: Node, key: string, base: number) =>
    labelsOf(node)[key] === undefined ? 0 : picture.beside(node, key).filter(kin).length * weight(key) + base
  return reversed(nodes.map((node) => points(node, HOST, 2) + points(node, ZONE, 4)))
}

function affinityPoints(pod: Pod, nodes: Node[], picture: Picture): number[] {
  const { wanted, unwanted } = termsOf(pod)
  const points = nodes.map((node) => {
    const own = (list: typeof wanted) =>
      sum(
        list.map(
          ({ weight, podAffinityTerm: term }) =>
            weight * picture.beside(node, term.topologyKey).filter((other) => isAbout(term, pod, other, picture)).length,
        ),
      )
    const theirs = [...picture.pods.values()].map((other) => {
      const counts = (term: PodAffinityTerm) =>
        Number(picture.beside(node, term.topologyKey).includes(other) && isAbout(term, other, pod, picture))
      const terms = termsOf(other)
      return sum([
        ...terms.near.map(counts),
        ...terms.wanted.map(({ weight, podAffinityTerm }) => weight * counts(podAffinityTerm)),
        ...terms.unwanted.map(({ weight, podAffinityTerm }) => -weight * counts(podAffinityTerm)),
      ])
    })
    return own(wanted) - own(unwanted) + sum(theirs)
  })
  const [highest, lowest] = [Math.max(...points), Math.min(...points)]
  return points.map((each) => (highest === lowest ? 0 : ((each - lowest) * 100) / (highest - lowest)))
}
