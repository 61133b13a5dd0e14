import type { Job } from '../../../shared/openapi/generated/batch-v1.ts'
import { humanDuration } from '../../../shared/time/human-duration.ts'
import { parseTimestamp } from '../../../shared/time/timestamp.ts'
import { hasCondition } from './job-conditions.ts'

/** One word for how a job is doing. */
export function jobStatusCell({ metadata, status }: Job): string {
  if (hasCondition(status, 'Complete')) return 'Complete'
  if (hasCondition(status, 'Failed')) return 'Failed'
  if (metadata.deletionTimestamp) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) => hasCondition(status, type)) ?? 'Running'
}

/** `2/5`; `1/1 of 3` for three workers on one queue. */
export function completionsCell({ spec: { completions, parallelism = 0 }, status: { succeeded = 0 } }: Job): string {
  if (completions !== undefined) return `${succeeded}/${completions}`
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

/** From its start to its completion, or to now; empty for one that has not begun. */
export function durationCell({ status }: Job, now: number): string {
  const began = parseTimestamp(status.startTime)
  if (began === undefined) return ''
  return humanDuration((parseTimestamp(status.completionTime) ?? now) - began)
}
