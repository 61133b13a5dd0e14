import type { Draft } from '../../shared/client/client.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { CronJob, CronJobStatus, Job } from '../../shared/openapi/generated/batch-v1.ts'
import { zonedTimestamp } from '../../shared/schedules/zoned-timestamp.ts'
import { isFinished } from '../jobs/job-facts.ts'
import { controllerReference } from '../pods/claim.ts'

export const SCHEDULED_ANNOTATION = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
const MINUTE = 60_000

/** The name of the job of one run: whoever makes it again finds that it is there. */
export function jobNameFor({ metadata }: CronJob, due: number): string {
  return `${metadata.name}-${Math.floor(due / MINUTE)}`
}

/** The job of one run. Pure. */
export function jobOfRun(cronJob: CronJob, due: number): Draft<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate
  return {
    metadata: {
      ...{ name: jobNameFor(cronJob, due), namespace: cronJob.metadata.namespace, labels: { ...metadata.labels } },
      annotations: { ...metadata.annotations, [SCHEDULED_ANNOTATION]: zonedTimestamp(due, cronJob.spec.timeZone ?? 'UTC') },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec,
  }
}

/** What is to be told, and what the status says then. */
export interface Observation {
  readonly status: CronJobStatus
  readonly completed: readonly { readonly name: string; readonly condition: string }[]
  /** Jobs that run, are the CronJob's, and were made by nobody here. */
  readonly unexpected: readonly string[]
  /** Of the status' list, jobs that the cache does not show. */
  readonly missing: NonNullable<CronJobStatus['active']>
}

/** What has come of the CronJob's jobs. Pure. */
export function observeJobs(cronJob: CronJob, jobs: readonly Job[]): Observation {
  const active = cronJob.status.active ?? []
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]))
  const listed = new Set(active.map(({ uid }) => uid))
  const unlisted = jobs.filter((job) => !listed.has(job.metadata.uid) && !isFinished(job))
  // Made by us, and we died before we had written it down.
  const forgotten = unlisted.filter((job) => isOwnRun(cronJob, job))
  const stillRuns = active.filter(({ uid }) => {
    const job = byUid.get(uid)
    return !job || !isFinished(job)
  })
  const done = active.flatMap(({ uid }) => byUid.get(uid) ?? []).filter(isFinished)
  const remaining = [...stillRuns, ...forgotten.map(referenceTo)]
  return {
    status: {
      ...cronJob.status,
      active: remaining.length > 0 ? remaining : undefined,
      lastScheduleTime: latest([cronJob.status.lastScheduleTime, ...forgotten.map(dueOf)]),
      lastSuccessfulTime: latest([
        cronJob.status.lastSuccessfulTime,
        ...jobs.filter(hasSucceeded).map(({ status }) => status.completionTime),
      ]),
    },
    completed: done.map((job) => ({ name: job.metadata.name ?? '', condition: hasSucceeded(job) ? 'Complete' : 'Failed' })),
    unexpected: unlisted.filter((job) => !forgotten.includes(job)).map(({ metadata }) => metadata.name ?? ''),
    missing: active.filter(({ uid }) => !byUid.has(uid)),
  }
}

export function referenceTo({ metadata }: Job): NonNullable<CronJobStatus['active']>[number] {
  const { namespace, name, uid, resourceVersion } = metadata
  return { apiVersion: 'batch/v1', kind: 'Job', namespace, name, uid, resourceVersion }
}

/** The oldest finished jobs beyond what shall be kept of each kind. Pure. */
export function surplusHistory({ spec }: CronJob, jobs: readonly Job[]): Job[] {
  const ended = jobs.filter((job) => isFinished(job) && job.metadata.deletionTimestamp === undefined)
  const beyond = (some: Job[], limit: number | undefined) =>
    limit === undefined ? [] : some.toSorted(byStart).slice(0, Math.max(0, some.length - limit))
  return [
    ...beyond(ended.filter(hasSucceeded), spec.successfulJobsHistoryLimit),
    ...beyond(
      ended.filter((job) => !hasSucceeded(job)),
      spec.failedJobsHistoryLimit,
    ),
  ]
}

function hasSucceeded({ status }: Job): boolean {
  return isTrue(status.conditions, 'Complete')
}

function isOwnRun(cronJob: CronJob, job: Job): boolean {
  const due = dueOf(job)
  return due !== undefined && jobNameFor(cronJob, Date.parse(due)) === job.metadata.name
}

/** When its run was due, in UTC. */
function dueOf({ metadata }: Job): string | undefined {
  const due = Date.parse(metadata.annotations?.[SCHEDULED_ANNOTATION] ?? '')
  return Number.isNaN(due) ? undefined : zonedTimestamp(due, 'UTC')
}

/** Of timestamps of one form the text decides. */
function latest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .sort()
    .at(-1)
}

/** Those that never began last. */
function byStart(left: Job, right: Job): number {
  const [a, b] = [left.status.startTime ?? '~', right.status.startTime ?? '~']
  if (a !== b) return a < b ? -1 : 1
  return (left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1
}
