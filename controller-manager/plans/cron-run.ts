import type { CronJob } from '../../shared/openapi/generated/batch-v1.ts'
import type { Schedule } from '../../shared/schedules/schedule.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'

/** After this many missed runs people are told that something is wrong. */
const MANY_MISSED = 100
/** A little after the time, so that a clock that is a little behind does not come too early (upstream's figure). */
const DELAY_MILLISECONDS = 100

/** What a schedule asks for now; instants in milliseconds since the epoch. */
export interface CronRun {
  /** The latest run that has not been made; undefined: none is due. */
  readonly due: number | undefined
  /** More than a hundred were missed; only the latest is made. */
  readonly isLate: boolean
  /** It will never be due. */
  readonly isImpossible: boolean
}

/**
 * The run that is due: the latest time since the last run, or since the CronJob was made, unless its starting deadline is over.
 * `since`: a schedule that was changed then says nothing about the time before. Pure.
 */
export function dueRun(cronJob: CronJob, schedule: Schedule, now: number, since = Number.NEGATIVE_INFINITY): CronRun {
  const { startingDeadlineSeconds } = cronJob.spec
  const deadline = startingDeadlineSeconds === undefined ? Number.NEGATIVE_INFINITY : now - startingDeadlineSeconds * 1_000
  const base = Math.max(lastRun(cronJob), since)
  if (schedule.next(base) === undefined) return { due: undefined, isLate: false, isImpossible: true }
  const latest = schedule.last(base, now)
  const due = latest !== undefined && latest >= deadline ? latest : undefined
  const isLate = due !== undefined && missedSince(Math.max(base, deadline), schedule, now) > MANY_MISSED
  return { due, isLate, isImpossible: false }
}

/** About how many, by the distance of the first two. */
function missedSince(from: number, schedule: Schedule, now: number): number {
  const first = schedule.next(from)
  const second = first === undefined ? undefined : schedule.next(first)
  return first === undefined || second === undefined || first > now ? 0 : Math.floor((now - first) / (second - first)) + 1
}

/** Milliseconds until it is time to look again. Pure. */
export function untilNextRun(cronJob: CronJob, schedule: Schedule, now: number): number | undefined {
  // Each run begins where the one before was due: `@every` counts from there.
  const next = schedule.next(schedule.last(lastRun(cronJob), now) ?? Math.min(lastRun(cronJob), now))
  const later = next !== undefined && next > now ? next : schedule.next(now)
  return later === undefined ? undefined : later + DELAY_MILLISECONDS - now
}

function lastRun({ metadata, status }: CronJob): number {
  return parseTimestamp(status.lastScheduleTime) ?? parseTimestamp(metadata.creationTimestamp ?? undefined) ?? 0
}
