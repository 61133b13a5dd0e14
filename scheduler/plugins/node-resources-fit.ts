import type { ClusterChange } from '../cluster-change.ts'
import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { FitArgs } from '../policy/plugin-args.ts'
import { pointsByShare } from './resource-shares.ts'

/** Requests must fit into what is left of allocatable; by default the emptier node scores higher (LeastAllocated). */
export function nodeResourcesFit(args: FitArgs = {}): SchedulingPlugin {
  const isIgnored = ignoring(args)
  return {
    name: 'NodeResourcesFit',
    helpedByRemoval: true,
    freedBy: ['nodeAdded', 'nodeUpdated', 'podRemoved', 'podUpdated'],
    helps(info, change) {
      return 'node' in change && makesRoom(change) && mayHold(info, change.node, isIgnored)
    },
    filter(info) {
      const { milliCpu, memory } = info
      const otherRequests = isIgnored ? info.otherRequests.filter(([name]) => !isIgnored(name)) : info.otherRequests
      return (node) => {
        const noRoom = node.pods.size + 1 > node.allocatablePods
        const noCpu = milliCpu > 0 && milliCpu > node.allocatableMilliCpu - node.requestedMilliCpu
        const noMemory = memory > 0 && memory > node.allocatableMemory - node.requestedMemory
        if (otherRequests.length === 0) {
          if (!noRoom && !noCpu && !noMemory) return undefined
          // By far the most common of refusals, on thousands of nodes.
          if (noCpu && !noRoom && !noMemory) return 'Insufficient cpu'
        }
        const lacking = [noRoom ? 'Too many pods' : '', noCpu ? 'Insufficient cpu' : '', noMemory ? 'Insufficient memory' : ''].filter(
          Boolean,
        )
        for (const [name, amount] of otherRequests) {
          if (amount > (node.allocatable.get(name) ?? 0) - (node.requested.get(name) ?? 0)) lacking.push(`Insufficient ${name}`)
        }
        return lacking.length === 0 ? undefined : lacking
      }
    },
    score: args.scoringStrategy ? pointsByShare(args.scoringStrategy) : leastAllocated,
  }
}

/** Extended resources that are somebody else's business, by name or by what stands before the slash; nothing to ask where there are none. */
function ignoring({ ignoredResources = [], ignoredResourceGroups = [] }: FitArgs): ((name: string) => boolean) | undefined {
  if (ignoredResources.length === 0 && ignoredResourceGroups.length === 0) return undefined
  const [names, groups] = [new Set(ignoredResources), new Set(ignoredResourceGroups)]
  return (name) => names.has(name) || (name.includes('/') && groups.has(name.slice(0, name.indexOf('/'))))
}

const leastAllocated: NonNullable<SchedulingPlugin['score']> = ({ weighedMilliCpu, weighedMemory }) => {
  return (candidates, scores) => {
    for (let index = 0; index < candidates.length; index += 1) {
      const node = candidates[index] as NodeInfo
      const cpu = free(node.allocatableMilliCpu, node.weighedMilliCpu + weighedMilliCpu)
      const memory = free(node.allocatableMemory, node.weighedMemory + weighedMemory)
      scores[index] = (cpu + memory) / 2
    }
  }
}

/** The share of a resource, 0–100, that would stay free. */
function free(total: number, used: number): number {
  return total === 0 ? 0 : (Math.max(total - used, 0) * 100) / total
}

function makesRoom(change: ClusterChange): boolean {
  if (change.what === 'nodeUpdated') return change.altered.allocatable
  return change.what !== 'podUpdated' || asksLess(change.pod, change.previous)
}

function asksLess(now: PodInfo, before: PodInfo): boolean {
  if (now.milliCpu < before.milliCpu || now.memory < before.memory) return true
  const amounts = new Map(now.otherRequests)
  return before.otherRequests.some(([name, amount]) => (amounts.get(name) ?? 0) < amount)
}

/** Whether there is room for the pod, once all have left whom it may displace. */
function mayHold(info: PodInfo, node: NodeInfo, isIgnored?: (name: string) => boolean): boolean {
  const { milliCpu, memory, otherRequests } = info
  let pods = 1
  let usedMilliCpu = milliCpu
  let usedMemory = memory
  const used = new Map(otherRequests)
  for (const other of node.pods.values()) {
    if (other.priority < info.priority) continue
    pods += 1
    usedMilliCpu += other.milliCpu
    usedMemory += other.memory
    for (const [name, amount] of otherRequests.length > 0 ? other.otherRequests : []) used.set(name, (used.get(name) ?? 0) + amount)
  }
  return (
    pods <= node.allocatablePods &&
    (milliCpu === 0 || usedMilliCpu <= node.allocatableMilliCpu) &&
    (memory === 0 || usedMemory <= node.allocatableMemory) &&
    otherRequests.every(([name]) => isIgnored?.(name) === true || (used.get(name) ?? 0) <= (node.allocatable.get(name) ?? 0))
  )
}
