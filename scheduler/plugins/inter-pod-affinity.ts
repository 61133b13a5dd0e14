import type { ClusterState } from '../cluster-state.ts'
import type { BoundFilter, BoundScore, SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { AffinityTerm, PodInfo } from '../pod-info.ts'

/** Points that a required affinity of a pod already placed gives a newcomer it wants near (upstream's hardPodAffinityWeight). */
const REQUIRED_AFFINITY_POINTS = 1

/** Near to and far from other pods, by topology domain. */
export const interPodAffinity: SchedulingPlugin = {
  name: 'InterPodAffinity',
  helpedByRemoval: true,
  countsPods: true,
  normalize: 'spanTo100',
  freedBy: ['nodeAdded', 'nodeUpdated', 'podRemoved', 'podPlaced', 'podUpdated', 'namespaceChanged'],
  filter(info, cluster) {
    const { required, requiredAnti } = info.affinity
    if (required.length === 0 && requiredAnti.length === 0 && cluster.nodesWithAffinity.size === 0) return undefined
    return affinityFilter(info, cluster)
  },
  score(info, cluster) {
    const { preferred, preferredAnti } = info.affinity
    if (preferred.length === 0 && preferredAnti.length === 0 && cluster.nodesWithAffinity.size === 0) return undefined
    return affinityScore(info, cluster)
  },
}

function affinityFilter(info: PodInfo, cluster: ClusterState): BoundFilter {
  const { required, requiredAnti } = info.affinity
  const forbidden = domainsForbiddenByOthers(info, cluster)
  const near = required.map((term) => ({ term, domains: domainsWithMatches(term.topologyKey, required, cluster) }))
  const far = requiredAnti.map((term) => ({ term, domains: domainsWithMatches(term.topologyKey, [term], cluster) }))
  // The first pod of a group that wants to be near itself has nobody to be near to: it may go anywhere with the label.
  const founding = near.every(({ domains }) => domains.size === 0) && required.every((term) => concerns(term, info, cluster))
  return (node) => {
    for (const { term, domains } of near) {
      const domain = node.labels[term.topologyKey]
      if (domain === undefined || (!domains.has(domain) && !founding)) return "node(s) didn't match pod affinity rules"
    }
    for (const { term, domains } of far) {
      const domain = node.labels[term.topologyKey]
      if (domain !== undefined && domains.has(domain)) return "node(s) didn't match pod anti-affinity rules"
    }
    for (const [key, domains] of forbidden) {
      const domain = node.labels[key]
      if (domain !== undefined && domains.has(domain)) return "node(s) didn't satisfy existing pods anti-affinity rules"
    }
    return undefined
  }
}

/** Domains that hold a pod concerned by every term of `together` (affinity terms of one pod are one group). */
function domainsWithMatches(key: string, together: readonly AffinityTerm[], cluster: ClusterState): Set<string> {
  const domains = new Set<string>()
  for (const node of cluster.list()) {
    const domain = node.labels[key]
    if (domain === undefined || domains.has(domain)) continue
    for (const other of node.pods.values()) {
      if (together.every((term) => concerns(term, other, cluster))) {
        domains.add(domain)
        break
      }
    }
  }
  return domains
}

/** By topology key, the domains where a pod stands whose own anti-affinity is against the newcomer. */
function domainsForbiddenByOthers(info: PodInfo, cluster: ClusterState): Map<string, Set<string>> {
  const forbidden = new Map<string, Set<string>>()
  for (const node of cluster.nodesWithAffinity) {
    for (const other of node.podsWithAffinity) {
      for (const term of other.affinity.requiredAnti) {
        const domain = node.labels[term.topologyKey]
        if (domain === undefined || !concerns(term, info, cluster)) continue
        const domains = forbidden.get(term.topologyKey) ?? new Set<string>()
        forbidden.set(term.topologyKey, domains.add(domain))
      }
    }
  }
  return forbidden
}

/** Points for each domain: what the newcomer prefers of those placed, and what those placed prefer of the newcomer. */
function affinityScore(info: PodInfo, cluster: ClusterState): BoundScore {
  const points = new Map<string, Map<string, number>>()
  const give = (node: NodeInfo, key: string, amount: number) => {
    const domain = node.labels[key]
    if (domain === undefined) return
    const domains = points.get(key) ?? new Map<string, number>()
    points.set(key, domains.set(domain, (domains.get(domain) ?? 0) + amount))
  }
  const own = [...info.affinity.preferred, ...info.affinity.preferredAnti]
  for (const node of own.length > 0 ? cluster.list() : cluster.nodesWithAffinity) {
    for (const other of own.length > 0 ? node.pods.values() : node.podsWithAffinity) {
      for (const term of own) if (concerns(term, other, cluster)) give(node, term.topologyKey, term.weight)
    }
    for (const other of node.podsWithAffinity) {
      for (const term of other.affinity.required) if (concerns(term, info, cluster)) give(node, term.topologyKey, REQUIRED_AFFINITY_POINTS)
      for (const term of other.affinity.preferred) if (concerns(term, info, cluster)) give(node, term.topologyKey, term.weight)
      for (const term of other.affinity.preferredAnti) if (concerns(term, info, cluster)) give(node, term.topologyKey, term.weight)
    }
  }
  return (node) => {
    let total = 0
    for (const [key, domains] of points) total += domains.get(node.labels[key] ?? '') ?? 0
    return total
  }
}

/** Whether a term is about this pod: its namespace and its labels match. */
function concerns(term: AffinityTerm, info: PodInfo, cluster: ClusterState): boolean {
  if (!term.namespaces.has(info.namespace)) {
    if (!term.namespaceSelector?.matches(cluster.namespaceLabels.get(info.namespace) ?? {})) return false
  }
  return term.selector.matches(info.labels)
}
