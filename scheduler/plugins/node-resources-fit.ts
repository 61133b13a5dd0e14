import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'

/** Requests must fit into what is left of allocatable; the emptier node scores higher (LeastAllocated). */
export const nodeResourcesFit: SchedulingPlugin = {
  name: 'NodeResourcesFit',
  helpedByRemoval: true,
  freedBy: ['nodeAdded', 'nodeUpdated', 'podRemoved', 'podUpdated'],
  filter(info) {
    const { milliCpu, memory, otherRequests } = info
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
  score(info) {
    const { weighedMilliCpu, weighedMemory } = info
    return (candidates, scores) => {
      for (let index = 0; index < candidates.length; index += 1) {
        const node = candidates[index] as NodeInfo
        const cpu = free(node.allocatableMilliCpu, node.weighedMilliCpu + weighedMilliCpu)
        const memory = free(node.allocatableMemory, node.weighedMemory + weighedMemory)
        scores[index] = (cpu + memory) / 2
      }
    }
  },
}

/** The share of a resource, 0–100, that would stay free. */
function free(total: number, used: number): number {
  return total === 0 ? 0 : (Math.max(total - used, 0) * 100) / total
}
