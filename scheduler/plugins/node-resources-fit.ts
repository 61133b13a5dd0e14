import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'

/** Requests must fit into what is left of allocatable; the emptier node scores higher (LeastAllocated). */
export const nodeResourcesFit: SchedulingPlugin = {
  name: 'NodeResourcesFit',
  freedBy: ['nodeAdded', 'nodeUpdated', 'podRemoved', 'podUpdated'],
  filter(info) {
    const wanted = [...info.requests].filter(([, amount]) => amount > 0)
    return (node) => {
      let lacking: string[] | undefined
      if (node.pods.size + 1 > (node.allocatable.get('pods') ?? 0)) lacking = ['Too many pods']
      for (const [name, amount] of wanted) {
        if (amount <= (node.allocatable.get(name) ?? 0) - (node.requested.get(name) ?? 0)) continue
        lacking ??= []
        lacking.push(`Insufficient ${name}`)
      }
      return lacking
    }
  },
  score(info) {
    return (node) => (free(node, info, 'cpu') + free(node, info, 'memory')) / 2
  },
}

/** The share of a resource, 0–100, that would stay free. */
function free(node: NodeInfo, info: PodInfo, resource: 'cpu' | 'memory'): number {
  const total = node.allocatable.get(resource) ?? 0
  if (total === 0) return 0
  return (Math.max(total - weighed(node, info, resource), 0) * 100) / total
}

/** What would be in use, unstated requests counted with their stand-in. */
export function weighed(node: NodeInfo, info: PodInfo, resource: 'cpu' | 'memory'): number {
  return resource === 'cpu' ? node.weighedMilliCpu + info.weighedMilliCpu : node.weighedMemory + info.weighedMemory
}
