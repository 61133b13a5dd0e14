import { matchesNode } from '../../shared/pods/node-affinity.ts'
import { firstUntolerated, keepsOff } from '../../shared/pods/tolerations.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { BoundFilter, BoundScore, SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo, SpreadConstraint } from '../pod-info.ts'

const HOSTNAME = 'kubernetes.io/hostname'
const ZONE = 'topology.kubernetes.io/zone'

/** Spreads pods over zones, hosts or any label (KEP-895); pods without constraints of their own are spread by their controller. */
export const topologySpread: SchedulingPlugin = {
  name: 'PodTopologySpread',
  helpedByRemoval: true,
  countsPods: true,
  normalize: 'highestIs0',
  freedBy: ['nodeAdded', 'nodeUpdated', 'podRemoved', 'podPlaced', 'podUpdated'],
  filter(info, cluster) {
    if (info.hardSpread.length === 0) return undefined
    const filters = info.hardSpread.map((constraint) => skewFilter(constraint, info, cluster))
    return (node) => {
      for (const filter of filters) {
        const refusal = filter(node)
        if (refusal) return refusal
      }
      return undefined
    }
  },
  score(info, cluster, candidates) {
    if (info.softSpread.length > 0) return sum(info.softSpread.map((constraint) => skewScore(constraint, info, cluster, candidates)))
    // Upstream spreads by the Service's or controller's selector; counting pods of the same controller is the same thing without a list of selectors.
    return info.owner && info.hardSpread.length === 0 ? defaultSpread(info.owner, candidates) : undefined
  },
}

function skewFilter(constraint: SpreadConstraint, info: PodInfo, cluster: ClusterState): BoundFilter {
  const counts = domainCounts(constraint, info, cluster.list())
  const least = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values(), Number.POSITIVE_INFINITY)
  const self = constraint.selector.matches(info.labels) ? 1 : 0
  return (node) => {
    const domain = node.labels[constraint.topologyKey]
    if (domain === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)"
    const skew = (counts.get(domain) ?? 0) + self - (least === Number.POSITIVE_INFINITY ? 0 : least)
    return skew > constraint.maxSkew ? "node(s) didn't match pod topology spread constraints" : undefined
  }
}

function skewScore(constraint: SpreadConstraint, info: PodInfo, cluster: ClusterState, candidates: readonly NodeInfo[]): BoundScore {
  const counts = domainCounts(constraint, info, cluster.list())
  const domains = new Set(candidates.map((node) => node.labels[constraint.topologyKey]))
  const weight = Math.log(domains.size + 2)
  return (node) => (counts.get(node.labels[constraint.topologyKey] ?? '') ?? 0) * weight + (constraint.maxSkew - 1)
}

/** Matching pods by domain, over the nodes that count for this constraint. */
function domainCounts(constraint: SpreadConstraint, info: PodInfo, nodes: readonly NodeInfo[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const domain = node.labels[constraint.topologyKey]
    if (domain === undefined) continue
    if (constraint.honorAffinity && !matchesNode(info.pod.spec, node.node)) continue
    if (constraint.honorTaints && firstUntolerated(node.node.spec.taints, info.tolerations, keepsOff)) continue
    let matching = counts.get(domain) ?? 0
    for (const other of node.pods.values()) {
      if (
        other.namespace === info.namespace &&
        other.pod.metadata.deletionTimestamp === undefined &&
        constraint.selector.matches(other.labels)
      )
        matching += 1
    }
    counts.set(domain, matching)
  }
  return counts
}

/** The system defaults of KEP-1258: hosts with a weight, zones with a little less, as preferences. */
function defaultSpread(owner: string, candidates: readonly NodeInfo[]): BoundScore {
  const zones = new Map<string, number>()
  for (const node of candidates) {
    const zone = node.labels[ZONE]
    if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + (node.owners.get(owner) ?? 0))
  }
  const hostWeight = Math.log(candidates.length + 2)
  const zoneWeight = Math.log(zones.size + 2)
  return (node) => {
    const zone = node.labels[ZONE]
    const onHost = node.labels[HOSTNAME] === undefined ? 0 : (node.owners.get(owner) ?? 0) * hostWeight + 2
    return onHost + (zone === undefined ? 0 : (zones.get(zone) ?? 0) * zoneWeight + 4)
  }
}

function sum(scores: readonly BoundScore[]): BoundScore {
  return (node) => scores.reduce((total, score) => total + score(node), 0)
}
