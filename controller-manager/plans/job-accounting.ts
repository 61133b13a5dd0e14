import type { JobStatus } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { IndexSet } from '../jobs/index-set.ts'
import { isIndexed } from '../jobs/job-facts.ts'
import { completionIndex, isCountable, isFailed } from '../jobs/job-pod.ts'
import { countsAsFailure, judgeFailure } from './job-failure-policy.ts'
import type { Verdict } from './job-verdict.ts'
import type { JobView } from './job-view.ts'

/** The most uids that stand in a status (upstream's figure: 20 KB of them). */
const MOST_UNCOUNTED = 500

/**
 * How ends are counted once, whoever dies in between: first the uid is written into the status, then the finalizer is taken from the
 * pod, then the uid becomes one in the counter. Succeeded indexes need no uid: an index is in the set or not.
 */
export interface Accounting {
  /** To be written before any finalizer goes. */
  readonly status: Pick<JobStatus, 'succeeded' | 'failed' | 'completedIndexes' | 'failedIndexes' | 'uncountedTerminatedPods'>
  /** Whose finalizer may go once that is written. */
  readonly release: readonly Pod[]
  /** There are more than one status can hold: the job cannot be over yet. */
  readonly isPartial: boolean
}

/** Pure. With a verdict, everything that is left is brought to an end. */
export function account(view: JobView, verdict: Verdict | undefined): Accounting {
  const { job, tracked } = view
  const indexed = isIndexed(job.spec)
  const counted = settleCounted(job.status, new Set(tracked.map(({ metadata }) => metadata.uid ?? '')))
  const succeeded = [...(counted.uncountedTerminatedPods?.succeeded ?? [])]
  const failed = [...(counted.uncountedTerminatedPods?.failed ?? [])]
  const newIndexes: number[] = []
  const release: Pod[] = []
  for (const pod of inOrder(tracked, view)) {
    if (newIndexes.length + succeeded.length + failed.length >= MOST_UNCOUNTED) break
    if (!mayRelease(pod, view, verdict)) continue
    release.push(pod)
    const { uid = '' } = pod.metadata
    if (view.uncounted.succeeded.has(uid) || view.uncounted.failed.has(uid) || !isCountable(pod, job.spec)) continue
    if (pod.status.phase !== 'Succeeded') {
      if (countsAsFailed(pod, view, verdict)) failed.push(uid)
    } else if (!indexed) succeeded.push(uid)
    else newIndexes.push(completionIndex(pod, job.spec) ?? 0)
  }
  const completed = view.countedIndexes.with(IndexSet.of(newIndexes))
  return {
    release,
    isPartial: newIndexes.length + succeeded.length + failed.length >= MOST_UNCOUNTED,
    status: {
      ...counted,
      uncountedTerminatedPods: uncounted(succeeded, failed),
      ...(indexed ? { succeeded: orNothing(completed.size), completedIndexes: completed.toString() || undefined } : {}),
      failedIndexes: view.failedIndexes?.toString(),
    },
  }
}

/** Uids whose finalizer is gone become part of the counters. Pure. */
export function settleCounted(
  status: JobStatus,
  tracked: ReadonlySet<string>,
): Pick<JobStatus, 'succeeded' | 'failed' | 'uncountedTerminatedPods'> {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const stay = { succeeded: succeeded.filter((uid) => tracked.has(uid)), failed: failed.filter((uid) => tracked.has(uid)) }
  return {
    succeeded: orNothing((status.succeeded ?? 0) + succeeded.length - stay.succeeded.length),
    failed: orNothing((status.failed ?? 0) + failed.length - stay.failed.length),
    uncountedTerminatedPods: uncounted(stay.succeeded, stay.failed),
  }
}

/** As the server stores it: what is empty is not there. */
const orNothing = (count: number) => (count === 0 ? undefined : count)
const uncounted = (succeeded: string[], failed: string[]) => ({
  ...(succeeded.length > 0 ? { succeeded } : {}),
  ...(failed.length > 0 ? { failed } : {}),
})

function inOrder(pods: readonly Pod[], { job }: JobView): readonly Pod[] {
  if (!isIndexed(job.spec)) return pods
  return pods.toSorted((left, right) => (completionIndex(left, job.spec) ?? -1) - (completionIndex(right, job.spec) ?? -1))
}

/** A failed pod whose index goes on stays until another has taken over its number of failures. */
function mayRelease(pod: Pod, { job, handingOver }: JobView, verdict: Verdict | undefined): boolean {
  if (job.metadata.deletionTimestamp !== undefined || verdict || pod.status.phase === 'Succeeded') return true
  if (!isFailed(pod, job.spec)) return false
  const index = completionIndex(pod, job.spec)
  return index === undefined || handingOver.get(index)?.metadata.uid !== pod.metadata.uid
}

/** In a job that fails, all that did not succeed has failed. */
function countsAsFailed(pod: Pod, { job }: JobView, verdict: Verdict | undefined): boolean {
  if (!isFailed(pod, job.spec) && verdict?.type !== 'FailureTarget') return false
  return countsAsFailure(judgeFailure(job.spec.podFailurePolicy, pod))
}
