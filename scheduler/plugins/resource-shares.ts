import type { SchedulingPlugin } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { FitArgs, WeighedResource } from '../policy/plugin-args.ts'

const DEFAULT_RESOURCES: readonly WeighedResource[] = [{ name: 'cpu' }, { name: 'memory' }]
/** Points of the shape of RequestedToCapacityRatio are given from 0 to this. */
const SHAPE_POINTS = 10

/** Points for how full a node would be, resource by resource: NodeResourcesFit's strategies. */
export function pointsByShare({
  type = 'LeastAllocated',
  resources = DEFAULT_RESOURCES,
  requestedToCapacityRatio,
}: NonNullable<FitArgs['scoringStrategy']>): NonNullable<SchedulingPlugin['score']> {
  const pointsOf = strategy(type, requestedToCapacityRatio?.shape ?? [])
  return (info) => (candidates, scores) => {
    for (let index = 0; index < candidates.length; index += 1) {
      let sum = 0
      let weights = 0
      for (const { name, weight = 1 } of resources) {
        const share = shareOf(name, candidates[index] as NodeInfo, info)
        if (share === undefined) continue
        sum += pointsOf(share) * weight
        weights += weight
      }
      scores[index] = weights === 0 ? 0 : sum / weights
    }
  }
}

/** What part of a node's resource would be in use with the pod there; undefined: the pod does not ask for it, or the node has none. */
export function shareOf(name: string, node: NodeInfo, info: PodInfo): number | undefined {
  if (name === 'cpu') return ratio(node.weighedMilliCpu + info.weighedMilliCpu, node.allocatableMilliCpu)
  if (name === 'memory') return ratio(node.weighedMemory + info.weighedMemory, node.allocatableMemory)
  const asked = info.otherRequests.find(([other]) => other === name)?.[1]
  return asked === undefined ? undefined : ratio((node.requested.get(name) ?? 0) + asked, node.allocatable.get(name) ?? 0)
}

function ratio(used: number, total: number): number | undefined {
  return total === 0 ? undefined : used / total
}

type Shape = readonly { readonly utilization: number; readonly score: number }[]

/** 0–100 for a share. More than there is earns nothing, but by a shape, where it is full. */
function strategy(type: NonNullable<FitArgs['scoringStrategy']>['type'], shape: Shape): (share: number) => number {
  if (type === 'MostAllocated') return (share) => (share > 1 ? 0 : share * 100)
  if (type === 'RequestedToCapacityRatio') return (share) => (alongShape(shape, Math.min(share, 1) * 100) * 100) / SHAPE_POINTS
  return (share) => Math.max(1 - share, 0) * 100
}

/** Straight lines between the points of the shape, flat before the first and after the last. */
function alongShape(shape: Shape, utilization: number): number {
  let before = shape[0]
  for (const point of shape) {
    if (utilization <= point.utilization) {
      if (!before || before === point) return point.score
      const part = (utilization - before.utilization) / (point.utilization - before.utilization)
      return before.score + (point.score - before.score) * part
    }
    before = point
  }
  return before?.score ?? 0
}
