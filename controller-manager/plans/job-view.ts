import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { IndexSet } from '../jobs/index-set.ts'
import { isIndexed } from '../jobs/job-facts.ts'
import {
  completionIndex,
  earlierFailures,
  earlierIgnoredFailures,
  finishedAt,
  isCountable,
  isFailed,
  isTerminating,
  isTracked,
} from '../jobs/job-pod.ts'
import { isActive } from '../pods/pod-facts.ts'
import { countsAsFailure, judgeFailure } from './job-failure-policy.ts'

/** A job and what can be said of its pods at one moment. */
export interface JobView {
  readonly job: Job
  readonly pods: readonly Pod[]
  readonly active: readonly Pod[]
  readonly terminating: readonly Pod[]
  /** Those that carry the finalizer: only these may still be counted. */
  readonly tracked: readonly Pod[]
  /** Uids on their way from finalizer to counter. */
  readonly uncounted: { readonly succeeded: ReadonlySet<string>; readonly failed: ReadonlySet<string> }
  /** As the counters will stand when all of these pods are counted. */
  readonly succeeded: number
  readonly failed: number
  /** Indexed jobs: what the status says, and what is to be added to it. */
  readonly countedIndexes: IndexSet
  readonly succeededIndexes: IndexSet
  /** Only with a limit per index. */
  readonly failedIndexes: IndexSet | undefined
  /** By index, the failed pod that waits to hand its number of failures to the pod that replaces it. */
  readonly handingOver: ReadonlyMap<number, Pod>
}

/** Pure. `released` are uids whose finalizer we took away and whose pods may not show it yet. */
export function viewOf(job: Job, pods: readonly Pod[], released: ReadonlySet<string>): JobView {
  const { spec, status } = job
  const completions = spec.completions ?? 0
  const active = pods.filter(isActive)
  const tracked = pods.filter((pod) => isTracked(pod) && !released.has(pod.metadata.uid ?? ''))
  const uncounted = {
    succeeded: new Set(status.uncountedTerminatedPods?.succeeded),
    failed: new Set(status.uncountedTerminatedPods?.failed),
  }
  const fresh = tracked.filter(({ metadata: { uid = '' } }) => !uncounted.succeeded.has(uid) && !uncounted.failed.has(uid))
  const countable = fresh.filter((pod) => isCountable(pod, spec))
  const newlySucceeded = countable.filter((pod) => pod.status.phase === 'Succeeded')
  const newlyFailed = countable.filter((pod) => isFailed(pod, spec) && countsAsFailure(judgeFailure(spec.podFailurePolicy, pod)))
  const countedIndexes = isIndexed(spec) ? IndexSet.parse(status.completedIndexes ?? '', completions) : IndexSet.none
  const newIndexes = isIndexed(spec)
    ? indexesOf(
        tracked.filter((pod) => pod.status.phase === 'Succeeded'),
        job,
      )
    : IndexSet.none
  const succeededIndexes = countedIndexes.with(newIndexes)
  const failedIndexes = spec.backoffLimitPerIndex === undefined ? undefined : failedIndexesOf(job, tracked)
  return {
    ...{ job, pods, active, tracked, uncounted, countedIndexes, succeededIndexes, failedIndexes },
    terminating: pods.filter(isTerminating),
    succeeded: isIndexed(spec) ? succeededIndexes.size : (status.succeeded ?? 0) + newlySucceeded.length + uncounted.succeeded.size,
    failed: (status.failed ?? 0) + newlyFailed.length + uncounted.failed.size,
    handingOver: failedIndexes
      ? lastFailures(job, countable, succeededIndexes.with(failedIndexes).with(indexesOf(active, job)))
      : new Map(),
  }
}

export function indexesOf(pods: readonly Pod[], { spec }: Job): IndexSet {
  return IndexSet.of(pods.flatMap((pod) => completionIndex(pod, spec) ?? []))
}

function failedIndexesOf(job: Job, tracked: readonly Pod[]): IndexSet {
  const { spec, status } = job
  const before = IndexSet.parse(status.failedIndexes ?? '', spec.completions ?? 0)
  const isLost = (pod: Pod) => {
    if (!isFailed(pod, spec)) return false
    const judgement = judgeFailure(spec.podFailurePolicy, pod)
    if (judgement.action === 'FailIndex') return true
    return countsAsFailure(judgement) && earlierFailures(pod) >= (spec.backoffLimitPerIndex ?? 0)
  }
  return before.with(indexesOf(tracked.filter(isLost), job))
}

/** The last failed pod of each index that still wants a pod. */
function lastFailures(job: Job, candidates: readonly Pod[], settled: IndexSet): Map<number, Pod> {
  const last = new Map<number, Pod>()
  const failures = (pod: Pod) => earlierFailures(pod) + earlierIgnoredFailures(pod)
  for (const pod of candidates) {
    const index = completionIndex(pod, job.spec)
    if (index === undefined || settled.has(index) || !isFailed(pod, job.spec)) continue
    const known = last.get(index)
    if (!known || (failures(pod) >= failures(known) && finishedAt(pod) >= finishedAt(known))) last.set(index, pod)
  }
  return last
}
