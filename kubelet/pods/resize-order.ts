import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type Amounts, podRequests } from '../../shared/pods/resource-requests.ts'
import { qosClassOf } from '../status/qos-class.ts'

const CLASSES = ['Guaranteed', 'Burstable', 'BestEffort']

/**
 * Whose wish to be resized comes first where there is not room for all (KEP-1287): who asks for no more than it has, then the higher priority,
 * then the better class, then who has waited longer. `waiting` is in the order in which they began to wait.
 */
export function inResizeOrder(waiting: readonly Pod[], granted: (pod: Pod) => Amounts | undefined): Pod[] {
  const ranked = waiting.map((pod) => ({
    pod,
    asksMore: asksMore(podRequests(pod.spec), granted(pod)),
    priority: pod.spec.priority ?? 0,
    place: CLASSES.indexOf(qosClassOf(pod)),
  }))
  ranked.sort((one, other) => Number(one.asksMore) - Number(other.asksMore) || other.priority - one.priority || one.place - other.place)
  return ranked.map(({ pod }) => pod)
}

function asksMore(wanted: Amounts, had: Amounts | undefined): boolean {
  return [...wanted].some(([name, amount]) => amount > (had?.get(name) ?? 0))
}
