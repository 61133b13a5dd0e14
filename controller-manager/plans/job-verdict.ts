import { isTrue } from '../../shared/objects/conditions.ts'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { isFailed } from '../jobs/job-pod.ts'
import { judgeFailure } from './job-failure-policy.ts'
import { satisfiedRule } from './job-success-policy.ts'
import type { JobView } from './job-view.ts'

/** What the job has come to, before its last pods have ended and been counted. */
export interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet'
  readonly reason: string
  readonly message: string
}

export const COMPLETIONS_REACHED: Verdict = {
  type: 'SuccessCriteriaMet',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
}

const failure = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message })

/** Why no more pods are wanted, if so; that all completions are there is said elsewhere, when nothing runs any more. Pure. */
export function verdictOf(view: JobView, now: number): Verdict | undefined {
  const { job } = view
  const known = (['SuccessCriteriaMet', 'FailureTarget'] as const).find((type) => isTrue(job.status.conditions, type))
  if (known) {
    const { reason = '', message = '' } = job.status.conditions?.find(({ type }) => type === known) ?? {}
    return { type: known, reason, message }
  }
  return byFailurePolicy(view) ?? byLimits(view, now) ?? byIndexes(view) ?? bySuccessPolicy(view)
}

/** Milliseconds until the job has been active for too long; undefined when there is no such limit, or it does not run now. */
export function untilDeadline({ spec, status }: Job, now: number): number | undefined {
  const start = parseTimestamp(status.startTime)
  if (spec.activeDeadlineSeconds === undefined || start === undefined || spec.suspend) return undefined
  return start + spec.activeDeadlineSeconds * 1_000 - now
}

function byFailurePolicy({ job, pods }: JobView): Verdict | undefined {
  const { podFailurePolicy } = job.spec
  if (!podFailurePolicy) return undefined
  for (const pod of pods) {
    if (!isFailed(pod, job.spec)) continue
    const { action, message = '' } = judgeFailure(podFailurePolicy, pod)
    if (action === 'FailJob') return failure('PodFailurePolicy', message)
  }
  return undefined
}

function byLimits(view: JobView, now: number): Verdict | undefined {
  const { job, failed } = view
  if (failed > (job.spec.backoffLimit ?? 0) || hasRestartedTooOften(view)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  }
  const left = untilDeadline(job, now)
  if (left !== undefined && left <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline')
  return undefined
}

/** Where containers are restarted in their pod, that is what counts. */
function hasRestartedTooOften({ job, pods }: JobView): boolean {
  if (job.spec.template.spec.restartPolicy !== 'OnFailure') return false
  const alive = pods.filter(({ status }) => status.phase === 'Running' || status.phase === 'Pending')
  const containers = alive.flatMap(({ status }) => [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])])
  const restarts = containers.reduce((sum, { restartCount }) => sum + restartCount, 0)
  const limit = job.spec.backoffLimit ?? 0
  return limit === 0 ? restarts > 0 : restarts >= limit
}

function byIndexes({ job, failedIndexes, succeededIndexes }: JobView): Verdict | undefined {
  const { maxFailedIndexes, completions = 0 } = job.spec
  if (!failedIndexes) return undefined
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  }
  const isOver = failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions
  return isOver ? failure('FailedIndexes', 'Job has failed indexes') : undefined
}

function bySuccessPolicy({ job, succeededIndexes }: JobView): Verdict | undefined {
  const { successPolicy, completions = 0 } = job.spec
  const rule = successPolicy && satisfiedRule(successPolicy, completions, succeededIndexes)
  if (rule === undefined) return undefined
  return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` }
}
