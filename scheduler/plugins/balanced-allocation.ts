import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'

/** Prefers nodes whose CPU and memory would be used to the same degree: 100 less the standard deviation of the two shares. */
export const balancedAllocation: SchedulingPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  freedBy: [],
  score(info) {
    // Pods that ask for nothing would all be drawn to the node with the oddest balance (kubernetes#129138).
    if (info.milliCpu === 0 && info.memory === 0) return undefined
    const { weighedMilliCpu, weighedMemory } = info
    return (candidates, scores) => {
      for (let index = 0; index < candidates.length; index += 1) {
        const node = candidates[index] as NodeInfo
        const cpu = Math.min((node.weighedMilliCpu + weighedMilliCpu) / (node.allocatableMilliCpu || 1), 1)
        const memory = Math.min((node.weighedMemory + weighedMemory) / (node.allocatableMemory || 1), 1)
        scores[index] = (1 - Math.abs(cpu - memory) / 2) * 100
      }
    }
  },
}
