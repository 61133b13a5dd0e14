import { matchesNode, matchesTerm } from '../../shared/pods/node-affinity.ts'
import type { SchedulingPlugin } from '../framework.ts'

/** Node selector and required affinity must hold; preferred terms earn their weight. */
export const nodeAffinity: SchedulingPlugin = {
  name: 'NodeAffinity',
  normalize: 'highestIs100',
  freedBy: ['nodeAdded', 'nodeUpdated'],
  helps({ pod: { spec } }, change) {
    if (change.what === 'nodeUpdated') {
      return change.altered.labels.length > 0 && matchesNode(spec, change.node.node) && !matchesNode(spec, change.previous)
    }
    return change.what === 'nodeAdded' && matchesNode(spec, change.node.node)
  },
  filter(info) {
    const { spec } = info.pod
    if (!spec.nodeSelector && !spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return undefined
    return (node) => (matchesNode(spec, node.node) ? undefined : "node(s) didn't match Pod's node affinity/selector")
  },
  score(info) {
    const preferred = info.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    if (preferred.length === 0) return undefined
    return (candidates, scores) => {
      for (const [index, { node }] of candidates.entries()) {
        scores[index] = preferred.reduce((sum, { preference, weight }) => sum + (matchesTerm(preference, node) ? weight : 0), 0)
      }
    }
  },
}
