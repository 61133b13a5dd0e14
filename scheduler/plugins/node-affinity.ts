import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { matchesNode, matchesTerm } from '../../shared/pods/node-affinity.ts'
import type { SchedulingPlugin } from '../framework.ts'
import type { PluginArgs } from '../policy/plugin-args.ts'

const NOT_ADDED = "node(s) didn't match scheduler-enforced node affinity"

/** Node selector and required affinity must hold; preferred terms earn their weight. `addedAffinity` is every pod's besides its own. */
export function nodeAffinity({ addedAffinity }: NonNullable<PluginArgs['NodeAffinity']> = {}): SchedulingPlugin {
  const added = addedAffinity && { affinity: { nodeAffinity: addedAffinity } }
  const addedPreferences = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const matches = (spec: Pod['spec'], node: Node) => matchesNode(spec, node) && (!added || matchesNode(added, node))
  return {
    name: 'NodeAffinity',
    normalize: 'highestIs100',
    freedBy: ['nodeAdded', 'nodeUpdated'],
    helps({ pod: { spec } }, change) {
      if (change.what === 'nodeUpdated') {
        return change.altered.labels.length > 0 && matches(spec, change.node.node) && !matches(spec, change.previous)
      }
      return change.what === 'nodeAdded' && matches(spec, change.node.node)
    },
    filter(info) {
      const { spec } = info.pod
      if (!added && !spec.nodeSelector && !spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return undefined
      return ({ node }) => {
        if (added && !matchesNode(added, node)) return NOT_ADDED
        return matchesNode(spec, node) ? undefined : "node(s) didn't match Pod's node affinity/selector"
      }
    },
    score(info) {
      const own = info.pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
      const preferred = [...own, ...addedPreferences]
      if (preferred.length === 0) return undefined
      return (candidates, scores) => {
        for (const [index, { node }] of candidates.entries()) {
          scores[index] = preferred.reduce((sum, { preference, weight }) => sum + (matchesTerm(preference, node) ? weight : 0), 0)
        }
      }
    },
  }
}
