import type { Taint } from '../../shared/openapi/generated/core-v1.ts'
import { firstUntolerated, keepsOff } from '../../shared/pods/tolerations.ts'
import type { SchedulingPlugin } from '../framework.ts'

/** Taints that keep pods off must be tolerated; PreferNoSchedule ones only cost points. */
export const taintToleration: SchedulingPlugin = {
  name: 'TaintToleration',
  normalize: 'highestIs0',
  freedBy: ['nodeAdded', 'nodeUpdated'],
  filter(info) {
    return (node) => (firstUntolerated(node.node.spec.taints, info.tolerations, keepsOff) ? 'node(s) had untolerated taint(s)' : undefined)
  },
  score(info, _cluster, candidates) {
    if (!candidates.some(({ node }) => node.spec.taints?.some(isSoft))) return undefined
    return (all, scores) => {
      for (const [index, { node }] of all.entries()) {
        scores[index] = node.spec.taints?.filter((taint) => firstUntolerated([taint], info.tolerations, isSoft)).length ?? 0
      }
    }
  },
}

function isSoft({ effect }: Taint): boolean {
  return effect === 'PreferNoSchedule'
}
