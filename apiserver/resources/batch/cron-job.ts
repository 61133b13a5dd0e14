import type { CronJob } from '../../../shared/openapi/generated/batch-v1.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { cronJobNameRule, cronJobProblems } from '../../rules/job/cron-job.ts'
import { indexedJobWarnings } from '../../rules/job/indexed-job.ts'
import { defaultJobTemplate } from '../../rules/job/job-defaults.ts'
import { podNameWarnings } from '../../rules/job/name-warnings.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { NONE, selectorCell, sinceCell } from '../../rules/table-cells.ts'
import { templateColumns } from '../../rules/workload/template-columns.ts'

export default defineResource('batch/v1', 'CronJob', {
  shortNames: ['cj'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  validateName: cronJobNameRule,
  columns: [
    { name: 'Schedule', description: 'When jobs are due', value: ({ spec }) => spec.schedule },
    { name: 'Timezone', description: 'Whose clocks the schedule means', value: ({ spec }) => spec.timeZone ?? NONE },
    { name: 'Suspend', type: 'boolean', description: 'Whether no more jobs are made', value: ({ spec }) => suspendCell(spec.suspend) },
    { name: 'Active', type: 'integer', description: 'Jobs that run', value: ({ status }) => status.active?.length ?? 0 },
    {
      ...{ name: 'Last Schedule', description: 'When the last job was due' },
      value: ({ status }, now) => (status.lastScheduleTime === undefined ? NONE : sinceCell(status.lastScheduleTime, now)),
    },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    ...templateColumns<CronJob>(
      ({ spec }) => spec.jobTemplate.spec.template,
      ({ spec }) => selectorCell(spec.jobTemplate.spec.selector),
      'Which pods belong to its jobs',
    ),
  ],

  applyDefaults({ spec }) {
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    defaultJobTemplate(spec.jobTemplate.spec)
  },
  validate: cronJobProblems,
  *warnings({ metadata, spec }) {
    if (metadata.resourceVersion === undefined) yield* podNameWarnings(metadata)
    yield* indexedJobWarnings(spec.jobTemplate.spec)
    yield* podSpecWarnings(spec.jobTemplate.spec.template.spec, 'spec.jobTemplate.spec.template.spec')
  },
})

/** As upstream prints it: with a capital. */
function suspendCell(suspend: boolean | undefined): string {
  return suspend === undefined ? '<unset>' : suspend ? 'True' : 'False'
}
