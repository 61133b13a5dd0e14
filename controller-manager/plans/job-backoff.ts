import type { JobSpec } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { earlierFailures, earlierIgnoredFailures, finishedAt, isFailed } from '../jobs/job-pod.ts'

/** Figures of upstream: ten seconds after the first failure, twice as long after each further one, ten minutes at most. */
const FIRST_MILLISECONDS = 10_000
const LONGEST_MILLISECONDS = 600_000

/**
 * Milliseconds before pods may be made in place of failed ones; 0 when they may. Counted are the failures since the last success, of
 * the pods that are still there: whoever looks next, after a restart too, sees the same. Pure.
 */
export function untilReplacement(spec: JobSpec, pods: readonly Pod[], now: number): number {
  const lastSuccess = Math.max(Number.NEGATIVE_INFINITY, ...pods.filter(({ status }) => status.phase === 'Succeeded').map(finishedAt))
  const failures = pods
    .filter((pod) => isFailed(pod, spec))
    .map(finishedAt)
    .filter((end) => end > lastSuccess)
  return remaining(failures.length, Math.max(...failures), now)
}

/** The same for one index, whose last failed pod knows of the failures before it. Pure. */
export function untilIndexReplacement(lastFailed: Pod | undefined, now: number): number {
  if (!lastFailed) return 0
  return remaining(earlierFailures(lastFailed) + earlierIgnoredFailures(lastFailed) + 1, finishedAt(lastFailed), now)
}

function remaining(failures: number, since: number, now: number): number {
  if (failures === 0) return 0
  const pause = Math.min(FIRST_MILLISECONDS * 2 ** Math.min(failures - 1, 30), LONGEST_MILLISECONDS)
  return Math.max(0, since + pause - now)
}
