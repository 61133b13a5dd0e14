import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { JobSpec } from '../../../shared/openapi/generated/batch-v1.ts'
import { successPolicyProblems } from './success-policy.ts'

/** The lists of indexes in the status grow with these; above the soft limit the others must be smaller. */
const MOST_PARALLEL = 100_000
const MOST_FAILED_INDEXES = 100_000
const SOFT_COMPLETIONS = 100_000
const MOST_AMONG_MANY = 10_000

export function isIndexed({ completionMode }: JobSpec): boolean {
  return completionMode === 'Indexed'
}

/** What only jobs whose pods have numbers may say, and what they must. */
export function* indexedJobProblems(spec: JobSpec, path: string): Generator<FieldProblem> {
  const { completionMode: mode, backoffLimitPerIndex, maxFailedIndexes, successPolicy, completions } = spec
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed') {
    yield fieldProblem.notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed'])
  }
  if (isIndexed(spec)) yield* sizeProblems(spec, path)
  if (mode === undefined || mode === 'NonIndexed') {
    for (const [field, value] of Object.entries({ backoffLimitPerIndex, maxFailedIndexes })) {
      if (value !== undefined) yield fieldProblem.invalid(`${path}.${field}`, value, 'requires indexed completion mode')
    }
  }
  if (!successPolicy) return
  if (isIndexed(spec)) yield* successPolicyProblems(successPolicy, completions ?? 0, `${path}.successPolicy`)
  else yield fieldProblem.invalid(`${path}.successPolicy`, successPolicy, 'requires indexed completion mode')
}

function* sizeProblems(spec: JobSpec, path: string): Generator<FieldProblem> {
  const { completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex } = spec
  if (completions === undefined) yield fieldProblem.required(`${path}.completions`, 'when completion mode is Indexed')
  if (parallelism > MOST_PARALLEL) {
    const detail = `must be less than or equal to ${MOST_PARALLEL} when completion mode is Indexed`
    yield fieldProblem.invalid(`${path}.parallelism`, parallelism, detail)
  }
  if (completions !== undefined && maxFailedIndexes !== undefined && maxFailedIndexes > completions) {
    yield fieldProblem.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, 'must be less than or equal to completions')
  }
  if (maxFailedIndexes !== undefined && maxFailedIndexes > MOST_FAILED_INDEXES) {
    yield fieldProblem.invalid(`${path}.maxFailedIndexes`, maxFailedIndexes, `must be less than or equal to ${MOST_FAILED_INDEXES}`)
  }
  if ((completions ?? 0) <= SOFT_COMPLETIONS || backoffLimitPerIndex === undefined) return
  if (maxFailedIndexes === undefined) {
    yield fieldProblem.required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${SOFT_COMPLETIONS}`)
  }
  const amongMany = `must be less than or equal to ${MOST_AMONG_MANY} when completions are above ${SOFT_COMPLETIONS} and used with backoff limit per index`
  for (const [field, value] of Object.entries({ parallelism, maxFailedIndexes })) {
    if (value !== undefined && value > MOST_AMONG_MANY) yield fieldProblem.invalid(`${path}.${field}`, value, amongMany)
  }
}

/** Where the status may not be able to tell which indexes failed. */
export function* indexedJobWarnings({ completions = 0, parallelism = 0, ...spec }: JobSpec): Generator<string> {
  if (isIndexed(spec) && completions > SOFT_COMPLETIONS && parallelism > MOST_AMONG_MANY) {
    yield 'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'
  }
}
