import { defineResource } from '../../registry/define-resource.ts'
import { cronJobNameRule, cronJobProblems } from '../../rules/job/cron-job.ts'
import { indexedJobWarnings } from '../../rules/job/indexed-job.ts'
import { defaultJobTemplate } from '../../rules/job/job-defaults.ts'
import { podNameWarnings } from '../../rules/job/name-warnings.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { containerImages, containerNames, NONE, selectorCell, sinceCell } from '../../rules/table-cells.ts'

export default defineResource('batch/v1', 'CronJob', {
  shortNames: ['cj'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  validateName: cronJobNameRule,
  columns: [
    { name: 'Schedule', description: 'When jobs are due', value: ({ spec }) => spec.schedule },
    { name: 'Timezone', description: 'Whose clocks the schedule means', value: ({ spec }) => spec.timeZone ?? NONE },
    { name: 'Suspend', type: 'boolean', description: 'No more jobs for now', value: ({ spec }) => suspendCell(spec.suspend) },
    { name: 'Active', type: 'integer', description: 'Jobs that run', value: ({ status }) => status.active?.length ?? 0 },
    {
      ...{ name: 'Last Schedule', description: 'When the last job was due' },
      value: ({ status }, now) => (status.lastScheduleTime === undefined ? NONE : sinceCell(status.lastScheduleTime, now)),
    },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    {
      ...{ name: 'Containers', priority: 1, description: 'Names of the containers' },
      value: ({ spec }) => containerNames(spec.jobTemplate.spec.template.spec.containers),
    },
    {
      ...{ name: 'Images', priority: 1, description: 'Images of the containers' },
      value: ({ spec }) => containerImages(spec.jobTemplate.spec.template.spec.containers),
    },
    {
      ...{ name: 'Selector', priority: 1, description: 'Which pods belong to its jobs' },
      value: ({ spec }) => selectorCell(spec.jobTemplate.spec.selector),
    },
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
