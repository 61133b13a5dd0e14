import type { Job, JobSpec } from '../../../shared/openapi/generated/batch-v1.ts'
import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'

/** Where each index counts its own failures, all of them together have no limit. */
const NO_LIMIT = 2 ** 31 - 1
const BACKOFF_LIMIT = 6

/** Edits in place; safe to run again. */
export function defaultJob({ metadata, spec }: Job): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
  spec.parallelism ??= 1
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? BACKOFF_LIMIT : NO_LIMIT
  spec.completionMode ??= 'NonIndexed'
  spec.suspend ??= false
  spec.manualSelector ??= false
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
  const labels = spec.template.metadata.labels ?? {}
  if (Object.keys(metadata.labels ?? {}).length === 0 && Object.keys(labels).length > 0) metadata.labels = { ...labels }
  defaultJobTemplate(spec)
}

/** What is filled in for the jobs that a CronJob will make, too. */
export function defaultJobTemplate(spec: JobSpec): void {
  for (const { onPodConditions = [] } of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of onPodConditions) pattern.status ||= 'True'
  }
  defaultPodSpec(spec.template.spec)
}
