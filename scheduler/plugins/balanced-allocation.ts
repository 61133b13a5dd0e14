import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { PluginArgs } from '../policy/plugin-args.ts'
import { shareOf } from './resource-shares.ts'

/** Prefers nodes whose CPU and memory (or other resources) would be used to the same degree: 100 less the standard deviation of the shares. */
export function balancedAllocation({ resources }: NonNullable<PluginArgs['NodeResourcesBalancedAllocation']> = {}): SchedulingPlugin {
  const names = resources?.map(({ name }) => name)
  return {
    name: 'NodeResourcesBalancedAllocation',
    freedBy: [],
    score(info) {
      // Pods that ask for nothing would all be drawn to the node with the oddest balance (kubernetes#129138).
      if (info.milliCpu === 0 && info.memory === 0 && info.otherRequests.length === 0) return undefined
      if (names) return byNames(names, info)
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
}

function byNames(names: readonly string[], info: PodInfo): ReturnType<NonNullable<SchedulingPlugin['score']>> {
  return (candidates, scores) => {
    for (let index = 0; index < candidates.length; index += 1) {
      const shares = names.flatMap((name) => {
        const share = shareOf(name, candidates[index] as NodeInfo, info)
        return share === undefined ? [] : [Math.min(share, 1)]
      })
      scores[index] = (1 - deviation(shares)) * 100
    }
  }
}

function deviation(numbers: readonly number[]): number {
  if (numbers.length < 2) return 0
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length
  return Math.sqrt(numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0) / numbers.length)
}
