import assert from 'node:assert/strict'
import test from 'node:test'
import type { CronJob } from '../../../shared/openapi/generated/batch-v1.ts'
import { finds, lines, template } from '../../../test/harness/job-bodies.ts'
import { decodeObject } from '../../registry/schema-check.ts'
import { cronJobNameRule, cronJobProblems } from './cron-job.ts'
import { defaultJobTemplate } from './job-defaults.ts'

test('CronJobs', () => {
  const problems = (change: object) => {
    const spec = structuredClone({ schedule: '*/5 * * * *', concurrencyPolicy: 'Allow', jobTemplate: { spec: { template } }, ...change })
    const made = decodeObject('batch/v1', 'CronJob', { spec }, { fieldValidation: 'Strict' }) as CronJob
    defaultJobTemplate(made.spec.jobTemplate.spec)
    return lines(cronJobProblems(made))
  }
  for (const good of [{}, { schedule: '@hourly' }, { timeZone: 'Europe/Berlin' }, { timeZone: 'Etc/UTC' }, { schedule: '@every 2m' }]) {
    assert.deepEqual(problems(good), [], JSON.stringify(good))
  }
  const bad: [change: object, problem: string][] = [
    [{ schedule: '' }, 'spec.schedule: Required value'],
    [{ schedule: '* * * *' }, 'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]'],
    [
      { schedule: 'TZ=UTC * * * * *' },
      'spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ],
    [{ timeZone: '' }, 'spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string'],
    [{ timeZone: 'Mars/Crater' }, 'spec.timeZone: Invalid value: "Mars/Crater": unknown time zone Mars/Crater'],
    [{ timeZone: 'Europe//Berlin' }, 'spec.timeZone: Invalid value: "Europe//Berlin": unknown time zone Europe//Berlin'],
    [{ timeZone: '+0100' }, 'spec.timeZone: Invalid value: "+0100": unknown time zone +0100'],
    [
      { timeZone: 'Local' },
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ],
    [{ concurrencyPolicy: 'Queue' }, 'spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
    [{ concurrencyPolicy: '' }, 'spec.concurrencyPolicy: Required value'],
    [{ startingDeadlineSeconds: -1 }, 'spec.startingDeadlineSeconds: Invalid value: -1: must be'],
    [{ failedJobsHistoryLimit: -1 }, 'spec.failedJobsHistoryLimit: Invalid value: -1: must be'],
    [{ jobTemplate: { spec: { template, parallelism: -1 } } }, 'spec.jobTemplate.spec.parallelism: Invalid value: -1: must be'],
    [
      { jobTemplate: { spec: { template, selector: {} } } },
      'spec.jobTemplate.spec.selector: Invalid value: {}: `selector` will be auto-generated',
    ],
    [
      { jobTemplate: { spec: { template, manualSelector: true } } },
      'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    ],
  ]
  for (const [change, problem] of bad) finds(problems(change), problem, change)
  assert.equal(cronJobNameRule('x'.repeat(52)), undefined)
  assert.equal(cronJobNameRule('x'.repeat(53)), 'must be no more than 52 bytes')
})
