import type { JobSpec } from '../../shared/openapi/generated/batch-v1.ts'
import type { ContainerStatus, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { isIndexed, replacesOnlyFailed } from './job-facts.ts'

/** Holds a pod until its end has been counted. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking'
export const INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index'
/** How often the index has failed before this pod, as far as it counts; the other one counts what a policy ignored. */
export const FAILURES_ANNOTATION = 'batch.kubernetes.io/job-index-failure-count'
export const IGNORED_FAILURES_ANNOTATION = 'batch.kubernetes.io/job-index-ignored-failure-count'

export function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false
}

/** The pod's place in an indexed job, if it has a valid one. */
export function completionIndex(pod: Pod, { completions = 0 }: JobSpec): number | undefined {
  const index = numberIn(pod, INDEX_ANNOTATION)
  return index !== undefined && index < completions ? index : undefined
}

/** Counted failures of the index before this pod. */
export function earlierFailures(pod: Pod): number {
  return numberIn(pod, FAILURES_ANNOTATION) ?? 0
}

/** Failures of the index before this pod that a policy ignored. */
export function earlierIgnoredFailures(pod: Pod): number {
  return numberIn(pod, IGNORED_FAILURES_ANNOTATION) ?? 0
}

function numberIn({ metadata }: Pod, annotation: string): number | undefined {
  const text = metadata.annotations?.[annotation]
  return text !== undefined && /^\+?\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** May count at all: a pod of an indexed job without a valid place does not. */
export function isCountable(pod: Pod, spec: JobSpec): boolean {
  return !isIndexed(spec) || completionIndex(pod, spec) !== undefined
}

export function hasEnded({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}

/** Going, and its containers may still run. */
export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !hasEnded(pod)
}

/** Failed, or so good as: what is deleted before it ended may never get to say so. */
export function isFailed(pod: Pod, spec: JobSpec): boolean {
  return pod.status.phase === 'Failed' || (isTerminating(pod) && !replacesOnlyFailed(spec))
}

/** When it ended, in milliseconds: by its containers, else its readiness, its deletion, its creation. */
export function finishedAt(pod: Pod): number {
  const { metadata, status } = pod
  const lost = status.conditions?.find(({ type, status: is }) => type === 'Ready' && is === 'False')?.lastTransitionTime
  const deleted = parseTimestamp(metadata.deletionTimestamp ?? undefined)
  return (
    lastContainerEnd(pod) ??
    parseTimestamp(lost ?? undefined) ??
    (deleted === undefined ? undefined : deleted - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000) ??
    parseTimestamp(metadata.creationTimestamp ?? undefined) ??
    0
  )
}

/** Sidecars end last; they stand among the init containers. */
function lastContainerEnd({ spec, status }: Pod): number | undefined {
  const sidecars = new Set((spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name))
  const containers = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name))]
  const ends = containers.map(endOf)
  return ends.length === 0 || ends.includes(undefined) ? undefined : Math.max(...ends.map((end) => end ?? 0))
}

function endOf({ state }: ContainerStatus): number | undefined {
  return parseTimestamp(state?.terminated?.finishedAt ?? undefined)
}
