import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isIndexed, replacesOnlyFailed } from '../jobs/job-facts.ts'
import { completionIndex, isTracked } from '../jobs/job-pod.ts'
import { untilIndexReplacement, untilReplacement } from './job-backoff.ts'
import { indexesOf, type JobView } from './job-view.ts'
import { BURST, leastMissed } from './replicas.ts'

/** What to do about the pods of a job that goes on: take some away, or make some, not both at once. */
export interface JobPodsPlan {
  /** These go uncounted: nobody wants to know how they end. */
  readonly remove: readonly Pod[]
  /** One entry a pod: its index, or undefined in a job without indexes. */
  readonly create: readonly (number | undefined)[]
  /** Pods are wanted that may only be made so many milliseconds from now. */
  readonly waitMilliseconds?: number | undefined
}

/** Pure; `now` in milliseconds. */
export function planJobPods(view: JobView, now: number): JobPodsPlan {
  const { job, active, terminating } = view
  const wanted = wantedActive(view)
  const remove = surplus(view, Math.max(0, active.length - wanted))
  if (job.spec.suspend || remove.length > 0) return { remove: remove.slice(0, job.spec.suspend ? undefined : BURST), create: [] }
  const missing = Math.min(wanted - active.length - (replacesOnlyFailed(job.spec) ? terminating.length : 0), BURST)
  if (missing <= 0) return { remove, create: [] }
  if (job.spec.backoffLimitPerIndex !== undefined) return byIndex(view, missing, now)
  const waitMilliseconds = untilReplacement(job.spec, view.pods, now)
  if (waitMilliseconds > 0) return { remove, create: [], waitMilliseconds }
  return { remove, create: isIndexed(job.spec) ? pendingIndexes(view, missing) : Array.from({ length: missing }, () => undefined) }
}

function wantedActive({ job, active, succeeded }: JobView): number {
  const { suspend, completions, parallelism = 1 } = job.spec
  if (suspend) return 0
  // Workers on a queue: when one of them has found it empty, the others end by themselves.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism
  return Math.max(0, Math.min(completions - succeeded, parallelism))
}

/** Each index waits for itself: those that may go go. */
function byIndex(view: JobView, missing: number, now: number): JobPodsPlan {
  const waits = pendingIndexes(view, missing).map((index) => ({ index, wait: untilIndexReplacement(view.handingOver.get(index), now) }))
  const create = waits.filter(({ wait }) => wait === 0).map(({ index }) => index)
  const later = waits.filter(({ wait }) => wait > 0).map(({ wait }) => wait)
  return { remove: [], create, waitMilliseconds: later.length > 0 ? Math.min(...later) : undefined }
}

function pendingIndexes(view: JobView, count: number): number[] {
  const { job, active, terminating, succeededIndexes, failedIndexes } = view
  let settled = succeededIndexes.with(indexesOf(active, job))
  if (replacesOnlyFailed(job.spec)) settled = settled.with(indexesOf(terminating, job))
  if (failedIndexes) settled = settled.with(failedIndexes)
  return settled.missing(count, job.spec.completions ?? 0)
}

/** At least so many of them, in the order in which they are given up; what can add nothing to the count goes in any case. */
function surplus({ job, active, succeededIndexes }: JobView, atLeast: number): Pod[] {
  const useless = new Set(active.filter((pod) => !isTracked(pod)))
  if (isIndexed(job.spec)) {
    const kept = new Set<number>()
    // The one that is missed most keeps the place.
    for (const pod of leastMissed(active, active).reverse()) {
      const index = completionIndex(pod, job.spec)
      if (useless.has(pod)) continue
      if (index === undefined || kept.has(index) || succeededIndexes.has(index)) useless.add(pod)
      else kept.add(index)
    }
  }
  const others = leastMissed(
    active.filter((pod) => !useless.has(pod)),
    active,
  )
  return [...useless, ...others.slice(0, Math.max(0, atLeast - useless.size))]
}
