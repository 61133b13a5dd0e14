import type { SchedulingPlugin } from '../framework.ts'
import { weighed } from './node-resources-fit.ts'

/** Prefers nodes whose CPU and memory would be used to the same degree: 100 less the standard deviation of the two shares. */
export const balancedAllocation: SchedulingPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  freedBy: [],
  score(info) {
    // Pods that ask for nothing would all be drawn to the node with the oddest balance (kubernetes#129138).
    if (!info.requests.get('cpu') && !info.requests.get('memory')) return undefined
    return (node) => {
      const share = (resource: 'cpu' | 'memory') => Math.min(weighed(node, info, resource) / (node.allocatable.get(resource) || 1), 1)
      return (1 - Math.abs(share('cpu') - share('memory')) / 2) * 100
    }
  },
}
