import type { Job } from '../../../shared/openapi/generated/batch-v1.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { sameValue } from '../../registry/same-value.ts'
import { indexedJobWarnings } from '../../rules/job/indexed-job.ts'
import { completionsCell, durationCell, jobStatusCell } from '../../rules/job/job-cells.ts'
import { defaultJob } from '../../rules/job/job-defaults.ts'
import { generateSelector } from '../../rules/job/job-labels.ts'
import { jobProblems } from '../../rules/job/job-spec.ts'
import { jobStatusProblems } from '../../rules/job/job-status.ts'
import { jobUpdateProblems } from '../../rules/job/job-update.ts'
import { podNameWarnings } from '../../rules/job/name-warnings.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { selectorCell } from '../../rules/table-cells.ts'
import { templateColumns } from '../../rules/workload/template-columns.ts'

export default defineResource('batch/v1', 'Job', {
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    { name: 'Status', description: 'How it is doing', value: jobStatusCell },
    { name: 'Completions', description: 'Pods that succeeded, of those that must', value: completionsCell },
    { name: 'Duration', description: 'From its start to its completion, or to now', value: durationCell },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    ...templateColumns<Job>(
      ({ spec }) => spec.template,
      ({ spec }) => selectorCell(spec.selector),
    ),
  ],
  selectableFields: { 'status.successful': ({ status }) => `${status.succeeded ?? 0}` },

  applyDefaults: (job) => defaultJob(job),
  prepareForCreate(job) {
    // Labels that came from the template get what the template gets.
    const { labels = {} } = job.metadata
    const isTemplates = sameValue(labels, job.spec.template.metadata.labels ?? {})
    generateSelector(job)
    if (isTemplates) job.metadata.labels = { ...job.spec.template.metadata.labels }
  },
  validate: jobProblems,
  *warnings({ metadata, spec }) {
    // A name cannot be changed any more: it is warned of once.
    if (metadata.resourceVersion === undefined) yield* podNameWarnings(metadata)
    yield* indexedJobWarnings(spec)
    yield* podSpecWarnings(spec.template.spec, 'spec.template.spec')
  },
  validateUpdate: jobUpdateProblems,
  validateStatusUpdate: jobStatusProblems,
  // Pods of a job whose deletion says nothing stay, as they did before there were owners.
  defaultPropagation: 'Orphan',
})
