import { firstUntolerated, keepsOff } from '../../shared/pods/tolerations.ts'
import type { SchedulingPlugin } from '../framework.ts'

/** Taints that keep pods off must be tolerated; PreferNoSchedule ones only cost points. */
export const taintToleration: SchedulingPlugin = {
  name: 'TaintToleration',
  normalize: 'highestIs0',
  freedBy: ['nodeAdded', 'nodeUpdated'],
  helps({ tolerations }, change) {
    if (!('node' in change) || firstUntolerated(change.node.hardTaints, tolerations, any)) return false
    return (
      change.what !== 'nodeUpdated' || (change.altered.taints && !!firstUntolerated(change.previous.spec.taints, tolerations, keepsOff))
    )
  },
  filter(info) {
    const { tolerations } = info
    return ({ hardTaints }) =>
      hardTaints.length > 0 && firstUntolerated(hardTaints, tolerations, any) ? 'node(s) had untolerated taint(s)' : undefined
  },
  score({ tolerations }, _cluster, candidates) {
    if (!candidates.some(({ softTaints }) => softTaints.length > 0)) return undefined
    return (all, scores) => {
      for (const [index, { softTaints }] of all.entries()) {
        scores[index] = softTaints.filter((taint) => firstUntolerated([taint], tolerations, any)).length
      }
    }
  },
}

const any = () => true
