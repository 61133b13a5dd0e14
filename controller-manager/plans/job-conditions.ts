import type { Job, JobCondition, JobStatus } from '../../shared/openapi/generated/batch-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { Verdict } from './job-verdict.ts'

type Conditions = readonly JobCondition[]

/** The list with a condition in it as it should be now; what was never True is not said to be False. Pure. */
function withCondition(conditions: Conditions, { status, ...wanted }: Omit<JobCondition, 'lastProbeTime'>, now: number): JobCondition[] {
  const known = conditions.find(({ type }) => type === wanted.type)
  if (!known && status === 'False') return [...conditions]
  if (known?.status === status && (known.reason ?? '') === wanted.reason && (known.message ?? '') === wanted.message) return [...conditions]
  const at = timestamp(now)
  const { type, reason, message } = wanted
  const condition = {
    ...{ type, status, lastProbeTime: at, lastTransitionTime: at },
    ...(reason ? { reason } : {}),
    ...(message ? { message } : {}),
  }
  return known ? conditions.map((each) => (each === known ? condition : each)) : [...conditions, condition]
}

/** What the job has come to, said before its last pods are let go. Pure. */
export function withVerdict(conditions: Conditions, { type, reason, message }: Verdict, now: number): JobCondition[] {
  return withCondition(conditions, { type, status: 'True', reason, message }, now)
}

/** The end: everything has ended and is counted. Pure. */
export function withEnd(status: JobStatus, { type, reason, message }: Verdict, now: number): JobStatus {
  const end = type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed'
  const conditions = withCondition(status.conditions ?? [], { type: end, status: 'True', reason, message }, now)
  return { ...status, conditions, ...(end === 'Complete' ? { completionTime: timestamp(now) } : {}) }
}

/** Whether the job is held back, for a job that goes on. Pure. */
export function withSuspension({ spec }: Job, status: JobStatus, now: number): { status: JobStatus; event?: 'Suspended' | 'Resumed' } {
  const before = status.conditions ?? []
  const wanted = spec.suspend
    ? { status: 'True', reason: 'JobSuspended', message: 'Job suspended' }
    : { status: 'False', reason: 'JobResumed', message: 'Job resumed' }
  const conditions = withCondition(before, { type: 'Suspended', ...wanted }, now)
  if (conditions.every((condition, index) => condition === before[index]) && conditions.length === before.length) return { status }
  return { status: { ...status, conditions }, event: spec.suspend ? 'Suspended' : 'Resumed' }
}
