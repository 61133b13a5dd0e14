import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Job, JobSpec } from '../../../shared/openapi/generated/batch-v1.ts'
import { domainPathProblems } from '../../../shared/selectors/domain-path.ts'
import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import { byteLength } from '../../../shared/selectors/label-syntax.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { podTemplateProblems } from '../pod/pod-template.ts'
import { notNegative } from '../workload/replica-set.ts'
import { indexedJobProblems, isIndexed } from './indexed-job.ts'
import { generatedSelectorProblems } from './job-labels.ts'
import { podFailurePolicyProblems } from './pod-failure-policy.ts'

const LONGEST_MANAGER = 63
const REPLACEMENTS = ['Failed', 'TerminatingOrFailed']

export function* jobProblems(job: Job): Generator<FieldProblem> {
  const { metadata, spec } = job
  yield* generatedSelectorProblems(job)
  yield* jobSpecProblems(spec, 'spec')
  yield* selectorProblems(spec)
  if (isIndexed(spec) && (spec.completions ?? 0) > 0) {
    const host = `${metadata.name}-${(spec.completions ?? 0) - 1}`
    if (dnsLabelProblems(host).length > 0) {
      yield fieldProblem.invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${host}`)
    }
  }
}

function* selectorProblems({ selector, template }: JobSpec): Generator<FieldProblem> {
  if (!selector) {
    yield fieldProblem.required('spec.selector')
    return
  }
  const problems = [...labelSelectorProblems(selector, 'spec.selector')]
  yield* problems
  if (problems.length === 0 && !labelSelectorFrom(selector).matches(template.metadata.labels)) {
    const detail = '`selector` does not match template `labels`'
    yield fieldProblem.invalid('spec.template.metadata.labels', template.metadata.labels ?? {}, detail)
  }
}

/** What a Job and a CronJob's template have in common: all but the selector. */
export function* jobSpecProblems(spec: JobSpec, path: string): Generator<FieldProblem> {
  const numbers = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'] as const
  for (const field of [...numbers, 'backoffLimitPerIndex', 'maxFailedIndexes'] as const) yield* notNegative(spec[field], `${path}.${field}`)
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    yield fieldProblem.required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')
  }
  yield* managerProblems(spec.managedBy, `${path}.managedBy`)
  yield* indexedJobProblems(spec, path)
  if (spec.podFailurePolicy) yield* podFailurePolicyProblems(spec.podFailurePolicy, spec, `${path}.podFailurePolicy`)
  yield* replacementProblems(spec, `${path}.podReplacementPolicy`)
  yield* podTemplateProblems(spec.template, `${path}.template`)
  yield* restartProblems(spec, `${path}.template.spec.restartPolicy`)
}

function* managerProblems(managedBy: string | undefined, path: string): Generator<FieldProblem> {
  if (managedBy === undefined) return
  yield* domainPathProblems(managedBy, path)
  if (byteLength(managedBy) > LONGEST_MANAGER) yield fieldProblem.tooLong(path, LONGEST_MANAGER)
}

/** A failure is judged when the pod has failed, not while it is going. */
function* replacementProblems({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, path: string): Generator<FieldProblem> {
  const allowed = podFailurePolicy ? ['Failed'] : REPLACEMENTS
  if (policy !== undefined && !allowed.includes(policy)) yield fieldProblem.notSupported(path, policy, allowed)
}

/** Pods that always start again never end. */
function* restartProblems({ template, podFailurePolicy }: JobSpec, path: string): Generator<FieldProblem> {
  const policy = template.spec.restartPolicy ?? ''
  if (policy === '' || policy === 'Always') yield fieldProblem.required(path, 'valid values: "OnFailure", "Never"')
  else if (policy !== 'OnFailure' && policy !== 'Never') yield fieldProblem.notSupported(path, policy, ['OnFailure', 'Never'])
  else if (podFailurePolicy && policy !== 'Never') {
    yield fieldProblem.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')
  }
}
