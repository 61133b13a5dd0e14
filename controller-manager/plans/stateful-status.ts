import type { StatefulSet, StatefulSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isAvailable, isReady } from '../pods/pod-facts.ts'
import { revisionOf } from './stateful-pods.ts'

/** Names of the revisions that a set moves between. */
export interface Revisions {
  readonly current: string
  readonly update: string
}

/** Pure: what was observed of the set's pods. When all of them are of the present template, it becomes the current one. */
export function statefulStatus(
  { spec, metadata }: StatefulSet,
  pods: readonly Pod[],
  { current, update }: Revisions,
  now: number,
): Omit<StatefulSetStatus, 'collisionCount' | 'conditions'> {
  const running = pods.filter((pod) => pod.status.phase === 'Running')
  const ready = running.filter(isReady)
  const staying = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined)
  const updated = staying.filter((pod) => revisionOf(pod) === update).length
  const wanted = spec.replicas ?? 1
  const isDone = spec.updateStrategy.type === 'RollingUpdate' && [updated, ready.length, pods.length].every((count) => count === wanted)
  return {
    observedGeneration: metadata.generation,
    replicas: pods.length,
    readyReplicas: ready.length || undefined,
    availableReplicas: ready.filter((pod) => isAvailable(pod, spec.minReadySeconds ?? 0, now)).length,
    currentReplicas: (isDone ? updated : staying.filter((pod) => revisionOf(pod) === current).length) || undefined,
    updatedReplicas: updated || undefined,
    currentRevision: isDone ? update : current,
    updateRevision: update,
  }
}
