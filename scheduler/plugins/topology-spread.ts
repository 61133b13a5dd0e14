import { own } from '../../shared/objects/own.ts'
import type { TopologySpreadConstraint } from '../../shared/openapi/generated/core-v1.ts'
import { matchesNode } from '../../shared/pods/node-affinity.ts'
import { firstUntolerated, keepsOff } from '../../shared/pods/tolerations.ts'
import type { ClusterChange } from '../cluster-change.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { BoundFilter, BoundScore, SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo, SpreadConstraint } from '../pod-info.ts'
import type { SpreadArgs } from '../policy/plugin-args.ts'
import { allNodes, type Eligibility } from '../topology/domains.ts'
import { localMark, ownerMark } from '../topology/mark-index.ts'
import { NO_VALUE } from '../topology/node-numbers.ts'
import type { PodCounts, PodQuestion } from '../topology/pod-counts.ts'

const HOSTNAME = 'kubernetes.io/hostname'
const ZONE = 'topology.kubernetes.io/zone'

/** Spreads pods over zones, hosts or any label (KEP-895); pods without constraints of their own are spread by their controller: as the list says, or softly over hosts and zones. */
export function topologySpread({ defaultConstraints = [], defaultingType = 'System' }: SpreadArgs = {}): SchedulingPlugin {
  const isListed = defaultingType === 'List'
  const [defaultHard, defaultSoft] = [true, false].map((isHard) =>
    defaultConstraints.filter(({ whenUnsatisfiable }) => (whenUnsatisfiable === 'DoNotSchedule') === isHard),
  )
  const isUnasked = ({ owner, hardSpread, softSpread }: PodInfo) =>
    owner !== undefined && hardSpread.length === 0 && softSpread.length === 0
  // Upstream spreads by the Service's or controller's selector; counting pods of the same controller is the same thing without a list of selectors.
  const counted = (own: readonly SpreadConstraint[], listed: readonly TopologySpreadConstraint[] = [], info: PodInfo) =>
    isListed && listed.length > 0 && isUnasked(info)
      ? listed.map((one) => ofController(one, info.owner ?? ''))
      : own.map((one) => bySelector(one, info))
  const hardOf = (info: PodInfo) => counted(info.hardSpread, defaultHard, info)
  return {
    name: 'PodTopologySpread',
    helpedByRemoval: true,
    normalize: 'highestIs0',
    freedBy: ['nodeAdded', 'nodeUpdated', 'nodeRemoved', 'podRemoved', 'podPlaced', 'podUpdated'],
    helps: (info, change) => mayEvenOut(hardOf(info), info, change),
    filter(info, cluster) {
      const hard = hardOf(info)
      if (hard.length === 0) return undefined
      const filters = hard.map((constraint) => skewFilter(constraint, hard, info, cluster))
      return (node) => {
        for (const filter of filters) {
          const refusal = filter(node)
          if (refusal) return refusal
        }
        return undefined
      }
    },
    score(info, cluster, candidates) {
      const soft = counted(info.softSpread, defaultSoft, info)
      if (soft.length > 0) return softSpread(soft, info, cluster, candidates)
      return !isListed && info.owner !== undefined && isUnasked(info) ? defaultSpread(info.owner, cluster, candidates) : undefined
    },
  }
}

/** A constraint, and which pods it counts. */
interface Counted extends Pick<SpreadConstraint, 'maxSkew' | 'topologyKey' | 'minDomains' | 'honorAffinity' | 'honorTaints'> {
  readonly question: PodQuestion
  readonly counts: (info: PodInfo) => boolean
}

function bySelector(constraint: SpreadConstraint, { namespace }: PodInfo): Counted {
  const { selector, about } = constraint
  const counts = (info: PodInfo) => info.namespace === namespace && selector.matches(info.labels)
  const marks = selector.requirements.flatMap(({ key }) => {
    const value = selector.requiredValue(key)
    return value === undefined ? [] : [localMark(namespace, key, value)]
  })
  const holds = (info: PodInfo) => isStaying(info) && counts(info)
  return { ...constraint, counts, question: { text: `spread ${namespace} ${about}`, marks, asksNamespaces: false, holds } }
}

function ofController(constraint: TopologySpreadConstraint, owner: string): Counted {
  const { maxSkew, topologyKey, minDomains = 1 } = constraint
  const honorAffinity = constraint.nodeAffinityPolicy !== 'Ignore'
  const honorTaints = constraint.nodeTaintsPolicy === 'Honor'
  return { maxSkew, topologyKey, minDomains, honorAffinity, honorTaints, counts: (info) => info.owner === owner, question: ofOwner(owner) }
}

function ofOwner(owner: string): PodQuestion {
  return {
    ...{ text: `owner ${JSON.stringify(owner)}`, marks: [ownerMark(owner)], asksNamespaces: false },
    holds: (other) => other.owner === owner && isStaying(other),
  }
}

/** A pod that is counted, and a node whose domain is, shift the balance; nothing else does. */
function mayEvenOut(hard: readonly Counted[], info: PodInfo, change: ClusterChange): boolean {
  const isCounted = (other: PodInfo) => hard.some(({ counts }) => counts(other))
  const hasDomains = ({ node: { metadata } }: NodeInfo) => hard.every(({ topologyKey }) => own(metadata.labels, topologyKey) !== undefined)
  switch (change.what) {
    case 'podPlaced':
    case 'podRemoved':
      return isCounted(change.pod)
    case 'podUpdated':
      return isCounted(change.pod) || isCounted(change.previous)
    case 'nodeAdded':
    case 'nodeRemoved':
      return hasDomains(change.node)
    case 'nodeUpdated': {
      const { labels, taints } = change.altered
      if (taints && hard.some(({ honorTaints }) => honorTaints)) return true
      // With a selector any label may decide whether the node counts.
      return labels.some((key) => asksForNodes(info) || hard.some(({ topologyKey }) => topologyKey === key))
    }
    default:
      return false
  }
}

function asksForNodes({ pod: { spec } }: PodInfo): boolean {
  return spec.nodeSelector !== undefined || spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution !== undefined
}

function skewFilter(constraint: Counted, fellows: readonly Counted[], info: PodInfo, cluster: ClusterState): BoundFilter {
  const { maxSkew, minDomains } = constraint
  const counts = countsFor(constraint, fellows, info, cluster)
  const { column } = counts.domains
  const self = constraint.counts(info) ? 1 : 0
  return (node) => {
    const domain = column.of(node)
    if (domain === NO_VALUE) return "node(s) didn't match pod topology spread constraints (missing required label)"
    const least = counts.domains.size < minDomains ? 0 : counts.least()
    return counts.in(domain) + self - least > maxSkew ? "node(s) didn't match pod topology spread constraints" : undefined
  }
}

/** Nodes without one of the labels get no points (NaN), as upstream. */
function softSpread(fellows: readonly Counted[], info: PodInfo, cluster: ClusterState, candidates: readonly NodeInfo[]): BoundScore {
  const soft = fellows.map((constraint) => {
    const { topologyKey, maxSkew } = constraint
    const counts = countsFor(constraint, fellows, info, cluster)
    return { maxSkew, counts, weight: weightOf(topologyKey, counts, candidates) }
  })
  return (nodes, scores) => {
    scores.fill(0)
    for (const { maxSkew, counts, weight } of soft) {
      const { column } = counts.domains
      for (let index = 0; index < nodes.length; index += 1) {
        const domain = column.of(nodes[index] as NodeInfo)
        const points = domain === NO_VALUE ? Number.NaN : counts.in(domain) * weight + (maxSkew - 1)
        scores[index] = (scores[index] as number) + points
      }
    }
  }
}

/** The fewer domains there are, the more pods share one, and the less each counts. */
function weightOf(topologyKey: string, { domains }: PodCounts, candidates: readonly NodeInfo[]): number {
  if (topologyKey === HOSTNAME) return Math.log(candidates.length + 2)
  const found = new Set<number>()
  for (const node of candidates) {
    const domain = domains.column.of(node)
    if (domain !== NO_VALUE) found.add(domain)
    if (found.size === domains.size) break
  }
  return Math.log(found.size + 2)
}

/** Matching pods by domain, over the nodes that count for this constraint: those with the labels of all its fellows, and where the pod may go. */
function countsFor(constraint: Counted, fellows: readonly Counted[], info: PodInfo, { topology }: ClusterState): PodCounts {
  return topology.counts(constraint.question, constraint.topologyKey, eligibilityOf(constraint, fellows, info))
}

function eligibilityOf(constraint: Counted, fellows: readonly Counted[], info: PodInfo): Eligibility {
  const { nodeSelector, affinity } = info.pod.spec
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const asksAffinity = constraint.honorAffinity && asksForNodes(info)
  const { honorTaints } = constraint
  if (!asksAffinity && !honorTaints && fellows.length === 1) return allNodes
  const keys = fellows.map(({ topologyKey }) => topologyKey)
  const { spec } = info.pod
  const { tolerations } = info
  return {
    text: JSON.stringify([keys, asksAffinity ? [nodeSelector, required] : [], honorTaints ? tolerations : 0]),
    holds: (node) =>
      keys.every((key) => node.label(key) !== undefined) &&
      (!asksAffinity || matchesNode(spec, node.node)) &&
      !(honorTaints && firstUntolerated(node.node.spec.taints, tolerations, keepsOff)),
  }
}

/** The system defaults of KEP-1258: hosts with a weight, zones with a little less, as preferences. */
function defaultSpread(owner: string, { topology }: ClusterState, candidates: readonly NodeInfo[]): BoundScore | undefined {
  const question = ofOwner(owner)
  const hosts = topology.counts(question, HOSTNAME)
  const zones = topology.counts(question, ZONE)
  const [hostOf, zoneOf] = [hosts.domains.column, zones.domains.column]
  const hostWeight = weightOf(HOSTNAME, hosts, candidates)
  const zoneWeight = weightOf(ZONE, zones, candidates)
  return (nodes, scores) => {
    for (let index = 0; index < nodes.length; index += 1) {
      const node = nodes[index] as NodeInfo
      const host = hostOf.of(node)
      const zone = zoneOf.of(node)
      const onHost = host === NO_VALUE ? 0 : hosts.in(host) * hostWeight + 2
      scores[index] = onHost + (zone === NO_VALUE ? 0 : zones.in(zone) * zoneWeight + 4)
    }
  }
}

/** Pods that are ending make room: they are not counted. */
function isStaying({ pod }: PodInfo): boolean {
  return pod.metadata.deletionTimestamp === undefined
}
