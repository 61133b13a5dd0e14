import type { ReplicaSetCondition, ReplicaSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { messageOf } from '../pods/pod-control.ts'
import { isActive, isAvailable, isReady } from '../pods/pod-facts.ts'
import type { ReplicaOwner } from './replica-kind.ts'

/** Why the pods could not be brought to the wanted number. */
export interface ReplicaFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete'
  readonly error: unknown
}

/** What was observed of the owner's pods, never what was intended. Pure; `now` in milliseconds. */
export function replicaStatus(
  owner: ReplicaOwner,
  pods: readonly Pod[],
  failure: ReplicaFailure | undefined,
  now: number,
): ReplicaSetStatus {
  const active = pods.filter(isActive)
  const template = Object.entries(owner.spec.template?.metadata.labels ?? {})
  const labelled = active.filter((pod) => template.every(([label, value]) => pod.metadata.labels?.[label] === value)).length
  const ready = active.filter(isReady).length
  const available = active.filter((pod) => isAvailable(pod, owner.spec.minReadySeconds ?? 0, now)).length
  const terminating = pods.filter(
    (pod) => pod.metadata.deletionTimestamp !== undefined && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed',
  ).length
  return {
    replicas: active.length,
    fullyLabeledReplicas: labelled || undefined,
    readyReplicas: ready || undefined,
    availableReplicas: available || undefined,
    terminatingReplicas: terminating || undefined,
    observedGeneration: owner.metadata.generation,
    conditions: conditionsOf(owner, failure, now),
  }
}

function conditionsOf(owner: ReplicaOwner, failure: ReplicaFailure | undefined, now: number): ReplicaSetCondition[] | undefined {
  const others = (owner.status.conditions ?? []).filter((condition) => condition.type !== 'ReplicaFailure')
  if (!failure) return others.length === 0 ? undefined : others
  // The first failure is told until it is over: each message names another pod, and a status that always changes wakes us at once.
  if (owner.status.conditions && others.length < owner.status.conditions.length) return owner.status.conditions
  return [
    ...others,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: timestamp(now),
      reason: failure.reason,
      message: messageOf(failure.error),
    },
  ]
}
