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
    const unwanted = (node: (typeof candidates)[number]) =>
      node.node.spec.taints?.filter((taint) => firstUntolerated([taint], info.tolerations, ({ effect }) => effect === 'PreferNoSchedule'))
        .length ?? 0
    return candidates.some((node) => unwanted(node) > 0) ? unwanted : undefined
  },
}
