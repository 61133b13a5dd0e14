import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { amountsOf } from '../../shared/pods/resource-requests.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/** Only these decide the class. */
const COMPUTE = ['cpu', 'memory']

/**
 * How dear a pod is under pressure: BestEffort asks for nothing, Guaranteed has for every container limits of CPU and memory that equal its
 * requests, Burstable is everything between.
 */
export function qosClassOf(pod: Pod): QosClass {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  const parts = pod.spec.resources?.requests || pod.spec.resources?.limits ? [{ resources: pod.spec.resources }] : all
  let asks = false
  let guaranteed = true
  for (const { resources } of parts) {
    const limits = amountsOf(resources?.limits)
    const requests = amountsOf({ ...resources?.limits, ...resources?.requests })
    for (const name of COMPUTE) {
      const limit = limits.get(name) ?? 0
      const request = requests.get(name) ?? 0
      if (limit > 0 || request > 0) asks = true
      if (limit === 0 || limit !== request) guaranteed = false
    }
  }
  if (!asks) return 'BestEffort'
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
