import { defineController, type Outcome } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { CronJob, CronJobStatus, Job } from '../../shared/openapi/generated/batch-v1.ts'
import { parseSchedule, type Schedule } from '../../shared/schedules/schedule.ts'
import { ScheduleError } from '../../shared/schedules/schedule-error.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { jobNameFor, jobOfRun, observeJobs, referenceTo, surplusHistory } from '../plans/cron-jobs.ts'
import { dueRun, untilNextRun } from '../plans/cron-run.ts'
import { controllerOf, ownerLookup } from '../pods/claim.ts'
import { Expectations } from '../pods/expectations.ts'
import { isTerminatingNamespace, messageOf } from '../pods/pod-control.ts'

type Reference = NonNullable<CronJobStatus['active']>[number]

/** Makes a Job whenever a schedule says so. */
export default defineController({
  name: 'cronjob',
  reconciles: ['batch/v1', 'CronJob'],
  workers: 5,
  create(tools) {
    const { informers, client, clock, events, signal } = tools
    const cronJobs = informers.of('batch/v1', 'CronJob')
    const jobs = informers.of('batch/v1', 'Job', {}, { owner: ownerLookup })
    /** Status writes that the cache may not show yet: from the older one the same run would be due again. */
    const ownWrites = new Expectations(cronJobs, clock)
    /** When a schedule was seen to change: what it would have asked for before is not made up for. */
    const changedAt = new Map<string, number>()

    return {
      watch(enqueue) {
        cronJobs.onChange((key, current, previous) => {
          if (!current) changedAt.delete(key)
          else if (previous && !sameSchedule(current, previous)) changedAt.set(key, clock.now())
        })
        jobs.onChange((_key, current, previous) => {
          for (const job of [current, previous]) {
            const owner = job && controllerOf(job)
            if (owner?.kind === 'CronJob') enqueue(`${job?.metadata.namespace}/${owner.name}`)
          }
        })
      },

      async reconcile(key) {
        const cronJob = cronJobs.cache.get(key)
        if (!cronJob) return ownWrites.forget(key)
        // The CronJob's own event brings us back.
        if (!ownWrites.satisfied(key)) return
        const mine = jobs.cache.lookup('owner', cronJob.metadata.uid ?? '')
        for (const job of surplusHistory(cronJob, mine)) await remove(cronJob, job)
        const observed = { ...cronJob, status: await observe(cronJob, mine) }
        const run = new Run(observed)
        try {
          return await runWhatIsDue(run, changedAt.get(key))
        } finally {
          // What was done is written down although something else failed.
          await writeStatus(key, cronJob, run.status)
        }
      },
    }

    async function observe(cronJob: CronJob, mine: readonly Job[]): Promise<CronJobStatus> {
      const { status, completed, unexpected, missing } = observeJobs(cronJob, mine)
      for (const name of unexpected) {
        events.record(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`)
      }
      for (const { name, condition } of completed) {
        events.record(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${condition}`)
      }
      const gone = new Set<Reference>()
      for (const reference of missing) {
        if (await jobOf(reference)) continue
        events.record(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${reference.name}`)
        gone.add(reference)
      }
      const active = status.active?.filter((reference) => !gone.has(reference))
      return { ...status, active: active?.length ? active : undefined }
    }

    async function runWhatIsDue(run: Run, since: number | undefined): Promise<Outcome> {
      const { cronJob } = run
      const now = clock.now()
      if (cronJob.metadata.deletionTimestamp !== undefined || cronJob.spec.suspend) return
      const schedule = readSchedule(cronJob)
      if (!schedule) return
      const { due, isLate, isImpossible } = dueRun(cronJob, schedule, now, since)
      if (isImpossible) {
        const why = `invalid schedule: ${cronJob.spec.schedule} : there is no such time`
        events.record(cronJob, 'Warning', 'InvalidSchedule', why)
        return
      }
      if (isLate) {
        const cure = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew'
        events.record(cronJob, 'Warning', 'TooManyMissedTimes', `too many missed start times. ${cure}`)
      }
      if (due !== undefined && !run.knows(due)) await start(run, due)
      const wait = untilNextRun({ ...cronJob, status: run.status }, schedule, now)
      return wait === undefined ? undefined : { requeueAfterMilliseconds: wait }
    }

    function readSchedule(cronJob: CronJob): Schedule | undefined {
      const { schedule, timeZone } = cronJob.spec
      try {
        return parseSchedule(schedule, timeZone ?? 'UTC')
      } catch (error) {
        if (!(error instanceof ScheduleError)) throw error
        // Nothing more until somebody changes it.
        if (error.message.startsWith('unknown time zone')) {
          events.record(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: ${error.message}`)
        } else {
          events.record(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`)
        }
        return undefined
      }
    }

    async function start(run: Run, due: number): Promise<void> {
      const { cronJob } = run
      const active = run.status.active ?? []
      if (cronJob.spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
        const why = 'Not starting job because prior execution is running and concurrency policy is Forbid'
        events.record(cronJob, 'Normal', 'JobAlreadyActive', why)
        return
      }
      if (cronJob.spec.concurrencyPolicy === 'Replace') {
        for (const reference of active) {
          const job = await jobOf(reference)
          if (job) await remove(cronJob, job)
          run.drop(reference)
        }
      }
      const job = await create(cronJob, due)
      if (job) run.started(job, due)
    }

    /** The run's job, made now or before; undefined where it cannot be ours. */
    async function create(cronJob: CronJob, due: number): Promise<Job | undefined> {
      const { namespace, uid } = cronJob.metadata
      const draft = jobOfRun(cronJob, due)
      try {
        const job = await client.create('batch/v1', 'Job', draft, { namespace, signal })
        events.record(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`)
        return job
      } catch (error) {
        if (isTerminatingNamespace(error)) return undefined
        if (hasReason(error, 'AlreadyExists')) {
          const job = await client.get('batch/v1', 'Job', { namespace, name: draft.metadata.name ?? '' }, { signal })
          return controllerOf(job)?.uid === uid ? job : undefined
        }
        events.record(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`)
        throw error
      }
    }

    /** As the server has it; undefined when it is gone, or another has its name. */
    async function jobOf({ namespace, name = '', uid }: Reference): Promise<Job | undefined> {
      try {
        const job = await client.get('batch/v1', 'Job', { namespace, name }, { signal })
        return job.metadata.uid === uid ? job : undefined
      } catch (error) {
        if (hasReason(error, 'NotFound')) return undefined
        throw error
      }
    }

    async function remove(cronJob: CronJob, job: Job): Promise<void> {
      const { namespace, name = '', uid } = job.metadata
      try {
        const options = { preconditions: { uid }, propagationPolicy: 'Background', signal } as const
        await client.delete('batch/v1', 'Job', { namespace, name }, options)
      } catch (error) {
        if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) return
        events.record(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`)
        throw error
      }
      events.record(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`)
    }

    async function writeStatus(key: string, cronJob: CronJob, status: CronJobStatus): Promise<void> {
      if (sameJson(status, cronJob.status)) return
      ownWrites.written(key, await client.updateStatus('batch/v1', 'CronJob', { ...cronJob, status }, { signal }))
    }
  },
})

/** A CronJob during one reconcile, and its status as it will be. */
class Run {
  readonly cronJob: CronJob
  status: CronJobStatus

  constructor(cronJob: CronJob) {
    this.cronJob = cronJob
    this.status = cronJob.status
  }

  /** It was made already. */
  knows(due: number): boolean {
    const name = jobNameFor(this.cronJob, due)
    return this.status.lastScheduleTime === timestamp(due) || (this.status.active ?? []).some((reference) => reference.name === name)
  }

  drop(reference: Reference): void {
    const active = (this.status.active ?? []).filter((each) => each !== reference)
    this.status = { ...this.status, active: active.length > 0 ? active : undefined }
  }

  started(job: Job, due: number): void {
    const others = (this.status.active ?? []).filter(({ uid }) => uid !== job.metadata.uid)
    this.status = { ...this.status, active: [...others, referenceTo(job)], lastScheduleTime: timestamp(due) }
  }
}

function sameSchedule({ spec: left }: CronJob, { spec: right }: CronJob): boolean {
  return left.schedule === right.schedule && left.timeZone === right.timeZone
}
