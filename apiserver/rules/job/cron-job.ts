import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { CronJob, JobTemplateSpec } from '../../../shared/openapi/generated/batch-v1.ts'
import { parseSchedule } from '../../../shared/schedules/schedule.ts'
import { ScheduleError } from '../../../shared/schedules/schedule-error.ts'
import { timeZone } from '../../../shared/schedules/time-zone.ts'
import { subdomainNameRule } from '../metadata/names.ts'
import { notNegative } from '../workload/replica-set.ts'
import { jobSpecProblems } from './job-spec.ts'

const POLICIES = ['Allow', 'Forbid', 'Replace']
/** Of the 63 that a job's name may have, eleven are for the time at which it was due. */
const LONGEST_NAME = 63 - 11

/** For `validateName`: with room for the end of its jobs' names. */
export function cronJobNameRule(name: string): string | undefined {
  return subdomainNameRule(name) ?? (name.length > LONGEST_NAME ? `must be no more than ${LONGEST_NAME} bytes` : undefined)
}

export function* cronJobProblems({ spec }: CronJob): Generator<FieldProblem> {
  if (spec.schedule === '') yield fieldProblem.required('spec.schedule')
  else yield* scheduleProblems(spec.schedule)
  yield* notNegative(spec.startingDeadlineSeconds, 'spec.startingDeadlineSeconds')
  yield* zoneProblems(spec.timeZone)
  if (!spec.concurrencyPolicy) yield fieldProblem.required('spec.concurrencyPolicy')
  else if (!POLICIES.includes(spec.concurrencyPolicy)) {
    yield fieldProblem.notSupported('spec.concurrencyPolicy', spec.concurrencyPolicy, POLICIES)
  }
  yield* jobTemplateProblems(spec.jobTemplate, 'spec.jobTemplate')
  yield* notNegative(spec.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit')
  yield* notNegative(spec.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit')
}

function* scheduleProblems(schedule: string): Generator<FieldProblem> {
  const path = 'spec.schedule'
  if (schedule.includes('TZ')) {
    yield fieldProblem.invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
    return
  }
  try {
    parseSchedule(schedule)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    yield fieldProblem.invalid(path, schedule, error.message)
  }
}

/** Names of the IANA database are paths of short words. */
const ZONE_PART = /^[A-Za-z.\-_0-9+]{1,14}$/

function* zoneProblems(zone: string | undefined): Generator<FieldProblem> {
  const path = 'spec.timeZone'
  if (zone === undefined) return
  if (zone === '') {
    yield fieldProblem.invalid(path, zone, 'timeZone must be nil or non-empty string')
    return
  }
  if (zone.split('/').some((part) => part === '.' || part === '..' || part.startsWith('-') || !ZONE_PART.test(part))) {
    yield fieldProblem.invalid(path, zone, `unknown time zone ${zone}`)
    return
  }
  if (zone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
    yield fieldProblem.invalid(path, zone, detail)
    return
  }
  try {
    timeZone(zone)
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    yield fieldProblem.invalid(path, zone, error.message)
  }
}

function* jobTemplateProblems({ spec }: JobTemplateSpec, path: string): Generator<FieldProblem> {
  yield* jobSpecProblems(spec, `${path}.spec`)
  if (spec.selector) yield fieldProblem.invalid(`${path}.spec.selector`, spec.selector, '`selector` will be auto-generated')
  if (spec.manualSelector) yield fieldProblem.notSupported(`${path}.spec.manualSelector`, spec.manualSelector, ['nil', 'false'])
}
