import type { ClusterChange } from '../cluster-change.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { BoundFilter, BoundScore, SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { AffinityTerm, PodInfo } from '../pod-info.ts'
import type { InterPodAffinityArgs } from '../policy/plugin-args.ts'
import { concernedByAll, concerns } from '../topology/affinity-term.ts'
import { NO_VALUE } from '../topology/node-numbers.ts'
import type { StandingTerm } from '../topology/standing-terms.ts'

/** Near to and far from other pods, by topology domain. */
const rule: SchedulingPlugin = {
  name: 'InterPodAffinity',
  helpedByRemoval: true,
  normalize: 'spanTo100',
  freedBy: ['nodeAdded', 'nodeUpdated', 'nodeRemoved', 'podRemoved', 'podPlaced', 'podUpdated', 'namespaceChanged'],
  helps: mayBringTogether,
  filter(info, cluster) {
    const { required, requiredAnti } = info.affinity
    const repelling = cluster.topology.repelling.about(info, isAbout(info, cluster))
    if (required.length === 0 && requiredAnti.length === 0 && repelling.length === 0) return undefined
    return affinityFilter(info, cluster, repelling)
  },
}

/**
 * `hardPodAffinityWeight`: points that a required affinity of a placed pod gives a newcomer that it wants near. With `ignorePreferredTermsOfExistingPods`
 * a newcomer without preferences of its own is given no points.
 */
export function interPodAffinity({
  hardPodAffinityWeight = 1,
  ignorePreferredTermsOfExistingPods = false,
}: InterPodAffinityArgs = {}): SchedulingPlugin {
  return {
    ...rule,
    score(info, cluster) {
      const { preferred, preferredAnti } = info.affinity
      const hasOwn = preferred.length > 0 || preferredAnti.length > 0
      if (ignorePreferredTermsOfExistingPods && !hasOwn) return undefined
      const weighing = cluster.topology.weighing.about(info, isAbout(info, cluster))
      const attracting = hardPodAffinityWeight === 0 ? [] : cluster.topology.attracting.about(info, isAbout(info, cluster))
      if (!hasOwn && weighing.length === 0 && attracting.length === 0) return undefined
      const standing = [...weighing, ...attracting.map((term) => ({ ...term, points: hardPodAffinityWeight }))]
      return affinityScore([...preferred, ...preferredAnti], cluster, standing)
    },
  }
}

/** Company comes, or whoever kept the pod off goes; or a node that somebody reckons with is elsewhere now. */
function mayBringTogether(info: PodInfo, change: ClusterChange, cluster: ClusterState): boolean {
  const { required, requiredAnti } = info.affinity
  const isCompany = (other: PodInfo) => required.length > 0 && required.every((term) => concerns(term, other, cluster.namespaceLabels))
  // Where nobody is left of those that it wants to be near to, the first of a group may go anywhere.
  const isInTheWay = (other: PodInfo) =>
    isCompany(other) ||
    requiredAnti.some((term) => concerns(term, other, cluster.namespaceLabels)) ||
    other.affinity.requiredAnti.some(isAbout(info, cluster))
  switch (change.what) {
    case 'podPlaced':
      return isCompany(change.pod)
    case 'podRemoved':
      return isInTheWay(change.pod)
    case 'podUpdated':
      return isCompany(change.pod) || isInTheWay(change.previous)
    case 'nodeRemoved':
      return [...change.node.pods.values()].some(isInTheWay)
    case 'nodeAdded':
      return change.node.pods.size > 0 || rule.filter?.(info, cluster)?.(change.node) === undefined
    case 'nodeUpdated': {
      const isOurs = (key: string) => [...required, ...requiredAnti].some(({ topologyKey }) => topologyKey === key)
      return change.altered.labels.some((key) => isOurs(key) || cluster.topology.reckonsWith(key))
    }
    case 'namespaceChanged':
      return (
        change.name === info.namespace || [...required, ...requiredAnti].some(({ namespaceSelector }) => namespaceSelector !== undefined)
      )
    default:
      return false
  }
}

function isAbout(info: PodInfo, { namespaceLabels }: ClusterState): (term: AffinityTerm) => boolean {
  return (term) => concerns(term, info, namespaceLabels)
}

function affinityFilter(info: PodInfo, cluster: ClusterState, repelling: readonly StandingTerm[]): BoundFilter {
  const { required, requiredAnti } = info.affinity
  // Affinity terms of one pod are one group: they look for the pods that all of them are about.
  const together = concernedByAll(required, cluster.namespaceLabels)
  const near = required.map(({ topologyKey }) => cluster.topology.counts(together, topologyKey))
  const far = requiredAnti.map((term) => cluster.topology.counts(concernedByAll([term], cluster.namespaceLabels), term.topologyKey))
  // The first pod of a group that wants to be near itself has nobody to be near to: it may go anywhere with the label.
  const mayFound = required.every(isAbout(info, cluster))
  return (node) => {
    for (const counts of near) {
      const domain = counts.domains.column.of(node)
      if (domain === NO_VALUE) return "node(s) didn't match pod affinity rules"
      if (counts.in(domain) === 0 && !(mayFound && near.every(({ empty }) => empty))) return "node(s) didn't match pod affinity rules"
    }
    for (const counts of far) {
      if (counts.in(counts.domains.column.of(node)) > 0) return "node(s) didn't match pod anti-affinity rules"
    }
    for (const { column, domains } of repelling) {
      if (domains.has(column.of(node))) return "node(s) didn't satisfy existing pods anti-affinity rules"
    }
    return undefined
  }
}

/** Points for each domain: what the newcomer prefers of those placed, and what those placed prefer of the newcomer. */
function affinityScore(preferred: readonly AffinityTerm[], cluster: ClusterState, standing: readonly StandingTerm[]): BoundScore {
  const own = preferred.map((term) => ({
    weight: term.weight,
    counts: cluster.topology.counts(concernedByAll([term], cluster.namespaceLabels), term.topologyKey),
  }))
  return (candidates, scores) => {
    scores.fill(0)
    for (const { weight, counts } of own) {
      const { column } = counts.domains
      for (let index = 0; index < candidates.length; index += 1) {
        scores[index] = (scores[index] as number) + weight * counts.in(column.of(candidates[index] as NodeInfo))
      }
    }
    for (const { column, points, domains } of standing) {
      for (let index = 0; index < candidates.length; index += 1) {
        scores[index] = (scores[index] as number) + points * (domains.get(column.of(candidates[index] as NodeInfo)) ?? 0)
      }
    }
  }
}
