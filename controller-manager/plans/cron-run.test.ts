import assert from 'node:assert/strict'
import test from 'node:test'
import type { CronJob, Job } from '../../shared/openapi/generated/batch-v1.ts'
import { parseSchedule } from '../../shared/schedules/schedule.ts'
import { jobNameFor, jobOfRun, observeJobs, surplusHistory } from './cron-jobs.ts'
import { dueRun, untilNextRun } from './cron-run.ts'

const at = (text: string) => Date.parse(text.length === 5 ? `2026-03-10T${text}:00Z` : text)

function cronJob(spec: object, status: object = {}): CronJob {
  return {
    ...{ apiVersion: 'batch/v1', kind: 'CronJob' },
    metadata: { name: 'tick', namespace: 'default', uid: 'c-1', creationTimestamp: '2026-03-10T09:30:30Z' },
    spec: { schedule: '0 * * * *', jobTemplate: { metadata: {}, spec: { template: { metadata: {}, spec: { containers: [] } } } }, ...spec },
    status,
  } as CronJob
}

test('due is the latest run since the last, if there is one and it is not too late', () => {
  const due = (spec: object, now: string, last?: string, since?: string) => {
    const it = cronJob(spec, last === undefined ? {} : { lastScheduleTime: new Date(at(last)).toISOString().replace('.000', '') })
    const run = dueRun(it, parseSchedule(it.spec.schedule), at(now), since === undefined ? undefined : at(since))
    return [
      run.due === undefined ? undefined : new Date(run.due).toISOString().slice(11, 16),
      ...(run.isLate ? ['late'] : []),
      ...(run.isImpossible ? ['never'] : []),
    ]
  }
  assert.deepEqual(due({}, '09:59'), [undefined], 'made after the hour')
  assert.deepEqual(due({}, '10:00'), ['10:00'])
  assert.deepEqual(due({}, '10:30', '10:00'), [undefined], 'made already')
  assert.deepEqual(due({}, '14:30', '10:00'), ['14:00'], 'missed ones are not made up for, but for the last')
  assert.deepEqual(due({ startingDeadlineSeconds: 600 }, '14:30', '10:00'), [undefined], 'too late')
  assert.deepEqual(due({ startingDeadlineSeconds: 600 }, '14:10', '10:00'), ['14:00'])
  assert.deepEqual(due({ schedule: '* * * * *' }, '12:00', '10:21'), ['12:00'])
  assert.deepEqual(due({ schedule: '* * * * *' }, '12:00', '10:19'), ['12:00', 'late'], 'more than a hundred')
  assert.deepEqual(
    due({ schedule: '* * * * *', startingDeadlineSeconds: 200 }, '12:00', '10:19'),
    ['12:00'],
    'only those in time are counted',
  )
  assert.deepEqual(due({ schedule: '0 0 30 2 *' }, '12:00'), [undefined, 'never'])
  assert.deepEqual(due({ schedule: '15 * * * *' }, '12:30', '12:00', '12:29'), [undefined], 'the schedule was changed at 12:29')
  assert.deepEqual(due({ schedule: '@every 90m' }, '14:00', '10:00'), ['13:00'])
  assert.deepEqual(
    due({ schedule: '@every 90m', startingDeadlineSeconds: 60 }, '13:00', '10:00'),
    ['13:00'],
    'counted from the last run, not from the deadline',
  )
})

test('the next look is a moment after the next time', () => {
  const wait = (spec: object, now: string, last: string) => {
    const it = cronJob(spec, { lastScheduleTime: `2026-03-10T${last}:00Z` })
    return (untilNextRun(it, parseSchedule(it.spec.schedule), at(now)) ?? Number.NaN) - 100
  }
  assert.equal(wait({}, '10:15', '10:00'), 45 * 60_000)
  assert.equal(wait({}, '14:30', '10:00'), 30 * 60_000)
  assert.equal(wait({ schedule: '@every 90m' }, '10:15', '10:00'), 75 * 60_000)
  assert.equal(wait({ schedule: '@every 90m' }, '14:00', '10:00'), 30 * 60_000)
  assert.equal(wait({}, '10:15', '12:00'), 45 * 60_000, 'a clock that was set back')
})

test("the job of a run has a name by its time, and says the time by the zone's clocks", () => {
  const it = cronJob({ timeZone: 'Asia/Kathmandu' })
  const made = jobOfRun(it, at('10:00'))
  assert.equal(made.metadata.name, `tick-${at('10:00') / 60_000}`)
  assert.deepEqual(made.metadata.annotations, { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-03-10T15:45:00+05:45' })
  assert.equal(
    jobOfRun(cronJob({}), at('10:00')).metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'],
    '2026-03-10T10:00:00Z',
  )
  assert.equal(
    jobOfRun(cronJob({ timeZone: 'America/New_York' }), at('10:00')).metadata.annotations?.[
      'batch.kubernetes.io/cronjob-scheduled-timestamp'
    ],
    '2026-03-10T06:00:00-04:00',
  )
  assert.equal(made.metadata.ownerReferences?.[0]?.uid, 'c-1')
})

function job(name: string, end?: 'Complete' | 'Failed', more: { due?: string; completed?: string; started?: string } = {}): Job {
  const annotations = more.due === undefined ? {} : { 'batch.kubernetes.io/cronjob-scheduled-timestamp': `2026-03-10T${more.due}:00Z` }
  return {
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name, uid: name, namespace: 'default', annotations } },
    spec: { template: { metadata: {}, spec: { containers: [] } } },
    status: {
      ...(end ? { conditions: [{ type: end, status: 'True' }] } : {}),
      ...(more.completed ? { completionTime: `2026-03-10T${more.completed}:00Z` } : {}),
      ...(more.started ? { startTime: `2026-03-10T${more.started}:00Z` } : {}),
    },
  } as Job
}

test('the list of active jobs follows them; one that was made and not written down is remembered by its name', () => {
  const reference = (name: string) => ({ kind: 'Job', namespace: 'default', name, uid: name })
  const observe = (active: string[], jobs: Job[], status: object = {}) =>
    observeJobs(cronJob({}, { active: active.map(reference), ...status }), jobs)
  const names = (found: ReturnType<typeof observe>) => (found.status.active ?? []).map(({ name }) => name)
  const ended = observe(['a', 'b', 'c'], [job('a', 'Complete', { completed: '10:05' }), job('b', 'Failed'), job('c')], {
    lastSuccessfulTime: '2026-03-10T09:00:00Z',
  })
  assert.deepEqual(names(ended), ['c'])
  assert.deepEqual(ended.completed, [
    { name: 'a', condition: 'Complete' },
    { name: 'b', condition: 'Failed' },
  ])
  assert.equal(ended.status.lastSuccessfulTime, '2026-03-10T10:05:00Z')
  assert.deepEqual(
    observe(['gone'], []).missing.map(({ name }) => name),
    ['gone'],
  )
  assert.deepEqual(observe([], [job('by-hand')]).unexpected, ['by-hand'])
  const own = jobNameFor(cronJob({}), at('10:00'))
  const forgotten = observe([], [job(own, undefined, { due: '10:00' })], { lastScheduleTime: '2026-03-10T09:00:00Z' })
  assert.deepEqual([names(forgotten), forgotten.unexpected, forgotten.status.lastScheduleTime], [[own], [], '2026-03-10T10:00:00Z'])
})

test('of what has ended the newest are kept', () => {
  const jobs = [
    job('c', 'Complete', { started: '12:00' }),
    job('a', 'Complete', { started: '10:00' }),
    job('b', 'Complete', { started: '11:00' }),
    job('f', 'Failed', { started: '09:00' }),
    job('runs'),
  ]
  const surplus = (spec: object) => surplusHistory(cronJob(spec), jobs).map(({ metadata }) => metadata.name)
  assert.deepEqual(surplus({ successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }), [])
  assert.deepEqual(surplus({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 }), ['a', 'b', 'f'])
  assert.deepEqual(surplus({}), [])
})
