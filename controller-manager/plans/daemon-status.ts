import type { DaemonSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import { isAvailable, isReady } from '../pods/pod-facts.ts'
import { byAgeOnNode, type DaemonFacts, type DaemonNode } from './daemon-pods.ts'

/** Pure: what was observed, node by node; of several pods on one node the oldest counts. */
export function daemonStatus(
  nodes: readonly DaemonNode[],
  { isNew, minReadySeconds, now }: Pick<DaemonFacts, 'isNew' | 'minReadySeconds' | 'now'>,
): DaemonSetStatus {
  const desired = nodes.filter(({ place }) => place?.shouldRun)
  const oldest = desired.flatMap(({ pods }) => [...pods].sort(byAgeOnNode).slice(0, 1))
  const available = oldest.filter((pod) => isAvailable(pod, minReadySeconds, now)).length
  return {
    currentNumberScheduled: oldest.length,
    numberMisscheduled: nodes.filter(({ place, pods }) => place && !place.shouldRun && pods.length > 0).length,
    desiredNumberScheduled: desired.length,
    numberReady: oldest.filter(isReady).length,
    updatedNumberScheduled: oldest.filter(isNew).length || undefined,
    numberAvailable: available || undefined,
    numberUnavailable: desired.length - available || undefined,
  }
}
