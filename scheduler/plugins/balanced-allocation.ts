import type { SchedulingPlugin } from '../framework.ts'

/** Prefers nodes whose CPU and memory would be used to the same degree: 100 less the standard deviation of the two shares. */
export const balancedAllocation: SchedulingPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  freedBy: [],
  score(info) {
    // Pods that ask for nothing would all be drawn to the node with the oddest balance (kubernetes#129138).
    if (info.milliCpu === 0 && info.memory === 0) return undefined
    return (node) => {
      const cpu = Math.min((node.weighedMilliCpu + info.weighedMilliCpu) / (node.allocatableMilliCpu || 1), 1)
      const memory = Math.min((node.weighedMemory + info.weighedMemory) / (node.allocatableMemory || 1), 1)
      return (1 - Math.abs(cpu - memory) / 2) * 100
    }
  },
}
