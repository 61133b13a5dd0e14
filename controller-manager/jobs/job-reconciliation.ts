import type { ControllerTools, Outcome } from '../../shared/controller/define-controller.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Job, JobStatus } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { account, settleCounted } from '../plans/job-accounting.ts'
import { withEnd, withSuspension, withVerdict } from '../plans/job-conditions.ts'
import { planJobPods } from '../plans/job-pods.ts'
import { COMPLETIONS_REACHED, untilDeadline, type Verdict, verdictOf } from '../plans/job-verdict.ts'
import { type JobView, viewOf } from '../plans/job-view.ts'
import { isReady } from '../pods/pod-facts.ts'
import type { JobPodControl } from './job-pod-control.ts'
import type { TrackedPods } from './tracked-pods.ts'

export interface JobReconciliationTools extends Pick<ControllerTools, 'clock' | 'events'> {
  readonly podControl: JobPodControl
  readonly tracked: TrackedPods
  /** Writes the status of the job as it was read, or fails. */
  writeStatus(job: Job): Promise<Job>
}

/** One look at one job that has not ended: its pods first, then what has come of them. */
export class JobReconciliation {
  readonly #tools: JobReconciliationTools
  readonly #now: number
  readonly #view: JobView
  /** As it is being put together; `#stored` is what the server has. */
  #status: JobStatus
  #stored: Job
  #removed: readonly Pod[] = []
  #created = 0
  #waits: number[] = []
  /** The first thing that went wrong; what else can be done is done before it is thrown. */
  #error: unknown

  constructor(job: Job, pods: readonly Pod[], released: ReadonlySet<string>, tools: JobReconciliationTools) {
    this.#tools = tools
    this.#now = tools.clock.now()
    this.#stored = job
    this.#status = { ...job.status }
    // While it was held back its clock stood still.
    if (!job.spec.suspend && isTrue(job.status.conditions, 'Suspended')) this.#status.startTime = undefined
    if (!job.spec.suspend) this.#status.startTime ??= timestamp(this.#now)
    this.#view = viewOf({ ...job, status: this.#status }, pods, released)
  }

  /** `isCurrent`: the caches show all that was done before; otherwise nothing is made or declared over. */
  async run(isCurrent: boolean): Promise<Outcome> {
    let verdict = verdictOf(this.#view, this.#now)
    if (verdict) verdict = (await this.#removeAll()) && isCurrent ? verdict : undefined
    else if (isCurrent) verdict = await this.#goOn()
    const counts = this.#counts()
    // Of a cache that is behind the old numbers are nearer to the truth.
    if (isCurrent) this.#status = { ...this.#status, ...counts, active: counts.active || undefined }
    await this.#keepAccount(verdict, counts.terminating)
    if (this.#error !== undefined) throw this.#error
    const wait = Math.min(...this.#waits)
    return Number.isFinite(wait) ? { requeueAfterMilliseconds: Math.max(1, wait) } : undefined
  }

  /** Nothing more is wanted: what runs is stopped, and stays tracked so that it is counted. Answers whether all of it is. */
  async #removeAll(): Promise<boolean> {
    const { job, active } = this.#view
    this.#removed = await this.#attempt(() => this.#tools.podControl.remove(job, active))
    return this.#removed.length === active.length
  }

  async #goOn(): Promise<Verdict | undefined> {
    const { job, active, succeeded } = this.#view
    const { podControl, events } = this.#tools
    if (job.metadata.deletionTimestamp === undefined) {
      const plan = planJobPods(this.#view, this.#now)
      this.#removed = await this.#attempt(() => podControl.dismiss(job, plan.remove))
      this.#created = (await this.#attempt(() => podControl.create(job, plan.create, this.#view.handingOver))).length
      if (plan.waitMilliseconds !== undefined) this.#waits.push(plan.waitMilliseconds)
    }
    const isIdle = active.length - this.#removed.length + this.#created === 0
    const wanted = job.spec.completions ?? 1
    if (isIdle && succeeded >= wanted && (job.spec.completions !== undefined || succeeded > 0)) return COMPLETIONS_REACHED
    if (job.metadata.deletionTimestamp === undefined) {
      const { status, event } = withSuspension(job, this.#status, this.#now)
      this.#status = status
      if (event) events.record(job, 'Normal', event, event === 'Suspended' ? 'Job suspended' : 'Job resumed')
    }
    const left = untilDeadline({ ...job, status: this.#status }, this.#now)
    if (left !== undefined) this.#waits.push(left)
    return undefined
  }

  #counts(): { active: number; ready: number; terminating: number } {
    const removed = new Set(this.#removed)
    const left = this.#view.active.filter((pod) => !removed.has(pod))
    return {
      active: left.length + this.#created,
      ready: left.filter(isReady).length,
      terminating: this.#view.terminating.length + removed.size,
    }
  }

  /** Writes down who has ended, lets those pods go, and adds them to the counters; each step is safe to repeat from its beginning. */
  async #keepAccount(verdict: Verdict | undefined, terminating: number): Promise<void> {
    const { job } = this.#view
    const accounting = account(this.#view, verdict)
    const conditions = verdict ? withVerdict(this.#status.conditions ?? [], verdict, this.#now) : this.#status.conditions
    await this.#write({ ...this.#status, ...accounting.status, conditions })
    const released = await this.#attempt(() => this.#releaseAll(job, accounting.release))
    const gone = new Set(released.map(({ metadata }) => metadata.uid))
    const tracked = this.#view.tracked.flatMap(({ metadata: { uid = '' } }) => (gone.has(uid) ? [] : uid))
    const { status } = this.#stored
    const counted = { ...status, ...settleCounted(status, new Set(tracked)) }
    const { succeeded = [], failed = [] } = counted.uncountedTerminatedPods ?? {}
    const isOver = verdict && !accounting.isPartial && succeeded.length + failed.length + terminating === 0 && this.#error === undefined
    await this.#write(isOver ? withEnd(counted, verdict, this.#now) : counted)
    if (isOver) this.#tell(verdict)
  }

  async #releaseAll(job: Job, pods: readonly Pod[]): Promise<Attempted> {
    const results = await Promise.allSettled(pods.map((pod) => this.#tools.tracked.release(job.metadata.uid ?? '', pod)))
    const failure = results.find((result) => result.status === 'rejected')
    return { done: pods.filter((_pod, index) => results[index]?.status === 'fulfilled'), error: failure?.reason }
  }

  async #write(status: JobStatus): Promise<void> {
    if (sameJson(status, this.#stored.status)) return
    this.#stored = await this.#tools.writeStatus({ ...this.#stored, status })
  }

  #tell(verdict: Verdict): void {
    const { events } = this.#tools
    const { spec, status } = this.#stored
    if (verdict.type === 'FailureTarget') {
      events.record(this.#stored, 'Warning', verdict.reason, verdict.message)
      return
    }
    if (spec.completions !== undefined && (status.succeeded ?? 0) > spec.completions) {
      events.record(this.#stored, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached')
    }
    events.record(this.#stored, 'Normal', 'Completed', 'Job completed')
  }

  async #attempt(work: () => Promise<Attempted>): Promise<readonly Pod[]> {
    const { done, error } = await work()
    this.#error ??= error
    return done
  }
}

/** For which pods something worked, and why it did not for the others. */
export interface Attempted {
  readonly done: readonly Pod[]
  readonly error?: unknown
}
