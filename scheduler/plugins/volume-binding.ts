import { isReachable } from '../../shared/volumes/matching.ts'
import type { SchedulingPlugin } from '../framework.ts'

/** Bound volumes must be reachable from the node, and claims that wait for their first consumer must find or get one there. */
export const volumeBinding: SchedulingPlugin = {
  name: 'VolumeBinding',
  freedBy: ['volumeChanged', 'nodeAdded', 'nodeUpdated'],
  helps(info, change, { volumes }) {
    if (change.what === 'volumeChanged') return volumes.concerns(info.pod, change)
    return change.what !== 'nodeUpdated' || change.altered.labels.length > 0 || change.altered.folders
  },
  preFilter(info, { volumes }) {
    if (!info.hasClaims) return undefined
    const claims = volumes.claimsOf(info.pod)
    return typeof claims === 'string' ? claims : undefined
  },
  filter(info, { volumes }) {
    if (!info.hasClaims) return undefined
    const claims = volumes.claimsOf(info.pod)
    if (typeof claims === 'string') return () => claims
    return ({ node }) => {
      const refusals: string[] = []
      if (!claims.bound.every((volume) => isReachable(volume, node))) refusals.push('node(s) had volume node affinity conflict')
      const choice = claims.delayed.length > 0 ? volumes.choose(claims.delayed, node) : undefined
      if (typeof choice === 'string') refusals.push(choice)
      return refusals.length > 0 ? refusals : undefined
    }
  },
}
