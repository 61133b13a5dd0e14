import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type Amounts, podRequests } from '../../shared/pods/resource-requests.ts'
import { qosClassOf } from '../status/qos-class.ts'
import { isCriticalPod } from './pod-kinds.ts'

/** What is missing of each resource; `pods` counts places. */
export type Missing = ReadonlyMap<string, number>

/**
 * Whom a node ends so that a critical pod can run, as upstream's kubelet chooses: guaranteed pods only where all others together do not give
 * enough, then burstable ones, then those that asked for least; each time the one that comes nearest to what is missing. Undefined: not even all
 * of them would do, so nobody is ended for nothing.
 */
export function podsThatMakeRoom(critical: Pod, missing: Missing, others: readonly Pod[]): Pod[] | undefined {
  const weaker = others.filter((pod) => isWeaker(pod, critical))
  const of = (quality: string) => weaker.filter((pod) => qosClassOf(pod) === quality)
  const [bestEffort, burstable, guaranteed] = [of('BestEffort'), of('Burstable'), of('Guaranteed')]
  if (stillMissing(missing, weaker).size > 0) return undefined
  const chosenGuaranteed = nearest(guaranteed, stillMissing(missing, [...bestEffort, ...burstable]))
  const chosenBurstable = nearest(burstable, stillMissing(missing, [...bestEffort, ...chosenGuaranteed]))
  const chosenBestEffort = nearest(bestEffort, stillMissing(missing, [...chosenBurstable, ...chosenGuaranteed]))
  return [...chosenBestEffort, ...chosenBurstable, ...chosenGuaranteed]
}

function isWeaker(pod: Pod, critical: Pod): boolean {
  return !isCriticalPod(pod) || (pod.spec.priority ?? 0) < (critical.spec.priority ?? 0)
}

/** At most one of these is chosen for each round, so the rounds are as many as there are pods. */
function nearest(pods: readonly Pod[], missing: Missing): Pod[] {
  const chosen: Pod[] = []
  let left = missing
  const rest = new Set(pods)
  while (left.size > 0 && rest.size > 0) {
    const [best] = [...rest]
      .map((pod) => ({ pod, distance: distance(pod, left), size: sizeOf(pod, left) }))
      .sort((a, b) => a.distance - b.distance || a.size - b.size)
    chosen.push(best!.pod)
    rest.delete(best!.pod)
    left = stillMissing(left, [best!.pod])
  }
  return chosen
}

/** How far a pod is from giving all that is missing: the squares of the shares that would still be missing. */
function distance(pod: Pod, missing: Missing): number {
  const gives = givenBy(pod)
  return [...missing].reduce((sum, [name, amount]) => sum + Math.max(0, (amount - (gives.get(name) ?? 0)) / amount) ** 2, 0)
}

/** Of two that are as near, the smaller goes. */
function sizeOf(pod: Pod, missing: Missing): number {
  const gives = givenBy(pod)
  return [...missing].reduce((sum, [name, amount]) => sum + (gives.get(name) ?? 0) / amount, 0)
}

function stillMissing(missing: Missing, pods: readonly Pod[]): Missing {
  const left = new Map(missing)
  for (const pod of pods) {
    for (const [name, amount] of givenBy(pod)) {
      const lacking = left.get(name)
      if (lacking === undefined) continue
      if (lacking > amount) left.set(name, lacking - amount)
      else left.delete(name)
    }
  }
  return left
}

function givenBy(pod: Pod): Amounts {
  return new Map([...podRequests(pod.spec), ['pods', 1]])
}
