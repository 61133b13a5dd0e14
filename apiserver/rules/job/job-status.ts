import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Job, JobSpec, JobStatus } from '../../../shared/openapi/generated/batch-v1.ts'
import { parseTimestamp } from '../../../shared/time/timestamp.ts'
import { sameValue } from '../../registry/same-value.ts'
import { notNegative } from '../workload/replica-set.ts'
import { firstCommonIndex, IndexListError, parseIndexList } from './index-list.ts'
import { isIndexed } from './indexed-job.ts'
import { hasCondition, isFinished } from './job-conditions.ts'

/**
 * What a status may say. Whoever manages the job keeps to this; rules that tie two fields ask only where one of them changes,
 * so that a status which a changed spec has made wrong can be put right step by step.
 */
export function* jobStatusProblems(next: Job, previous: Job): Generator<FieldProblem> {
  const { spec, status } = next
  const before = previous.status
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const)
    yield* notNegative(status[field], `status.${field}`)
  yield* uncountedProblems(status)
  yield* conditionProblems(status, before, spec)
  yield* finishedProblems(status, before)
  yield* timeProblems(next, before)
  yield* indexProblems(spec, status, before)
  yield* decreaseProblems(next, before)
}

const changed = (status: JobStatus, before: JobStatus, ...types: string[]) =>
  types.some((type) => hasCondition(status, type) !== hasCondition(before, type))

function* uncountedProblems({ uncountedTerminatedPods: { succeeded = [], failed = [] } = {} }: JobStatus): Generator<FieldProblem> {
  const seen = new Set<string>()
  for (const [list, uids] of Object.entries({ succeeded, failed })) {
    for (const [index, uid] of uids.entries()) {
      const path = `status.uncountedTerminatedPods.${list}[${index}]`
      if (uid === '') yield fieldProblem.invalid(path, uid, 'must not be empty')
      else if (seen.has(uid)) yield fieldProblem.duplicate(path, uid)
      seen.add(uid)
    }
  }
}

function* conditionProblems(status: JobStatus, before: JobStatus, spec: JobSpec): Generator<FieldProblem> {
  const is = (type: string) => hasCondition(status, type)
  const problem = (detail: string) => fieldProblem.wrong('status.conditions', detail)
  if (changed(status, before, 'Complete', 'Failed') && is('Complete') && is('Failed')) {
    yield problem('cannot set Complete=True and Failed=true conditions')
  }
  if (changed(status, before, 'Complete', 'FailureTarget') && is('Complete') && is('FailureTarget')) {
    yield problem('cannot set Complete=True and FailureTarget=true conditions')
  }
  const failsNow = changed(status, before, 'Failed') || status.failedIndexes !== before.failedIndexes
  if (failsNow && is('Failed') && !is('FailureTarget')) {
    yield problem('cannot set Failed=True condition without the FailureTarget=true condition')
  }
  if (changed(status, before, 'Complete', 'SuccessCriteriaMet') && is('Complete') && !is('SuccessCriteriaMet')) {
    yield problem('cannot set Complete=True condition without the SuccessCriteriaMet=true condition')
  }
  if (is('SuccessCriteriaMet') && is('Failed')) yield problem('cannot set SuccessCriteriaMet=True and Failed=true conditions')
  if (is('SuccessCriteriaMet') && is('FailureTarget')) yield problem('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')
  if (spec.successPolicy && is('Complete') && !is('SuccessCriteriaMet')) {
    yield problem('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True')
  }
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (hasCondition(before, type) && !is(type)) yield problem(`cannot disable the terminal ${type}=True condition`)
  }
  if (hasCondition(before, 'SuccessCriteriaMet') && !is('SuccessCriteriaMet')) {
    yield problem('cannot disable the SuccessCriteriaMet=True condition')
  }
  if (hasCondition(before, 'Complete') && !hasCondition(before, 'SuccessCriteriaMet') && is('SuccessCriteriaMet')) {
    yield problem('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions')
  }
}

function* finishedProblems(status: JobStatus, before: JobStatus): Generator<FieldProblem> {
  const { active = 0, ready = 0, terminating = 0, uncountedTerminatedPods: uncounted } = status
  if ((ready !== (before.ready ?? 0) || active !== (before.active ?? 0)) && ready > active) {
    yield fieldProblem.invalid('status.ready', ready, 'cannot set more ready pods than active')
  }
  if (!isFinished(status)) return
  const ends = !isFinished(before)
  if ((ends || active !== (before.active ?? 0)) && active > 0) {
    yield fieldProblem.invalid('status.active', active, 'active>0 is invalid for finished job')
  }
  if ((ends || terminating !== (before.terminating ?? 0)) && terminating > 0) {
    yield fieldProblem.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job')
  }
  if ((ends || status.startTime !== before.startTime) && status.startTime === undefined) {
    yield fieldProblem.required('status.startTime', 'startTime is required for finished job')
  }
  const left = (uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0)
  if ((ends || !sameValue(uncounted, before.uncountedTerminatedPods)) && left > 0) {
    yield fieldProblem.invalid('status.uncountedTerminatedPods', uncounted, 'must be empty for finished job')
  }
}

function* timeProblems({ spec, status }: Job, before: JobStatus): Generator<FieldProblem> {
  const { startTime, completionTime } = status
  const isComplete = hasCondition(status, 'Complete')
  const startMoved = startTime !== before.startTime
  const endMoved = completionTime !== before.completionTime
  if (endMoved || changed(status, before, 'Complete')) {
    if (completionTime !== undefined && !isComplete) {
      const detail = 'cannot set completionTime when there is no Complete=True condition'
      yield fieldProblem.invalid('status.completionTime', completionTime, detail)
    }
    if (completionTime === undefined && isComplete) {
      yield fieldProblem.required('status.completionTime', 'completionTime is required for Complete jobs')
    }
  }
  const begin = parseTimestamp(startTime)
  const end = parseTimestamp(completionTime)
  if ((startMoved || endMoved) && begin !== undefined && end !== undefined && end < begin) {
    yield fieldProblem.invalid('status.completionTime', completionTime, 'must be equal to or after `startTime`')
  }
  if (endMoved && completionTime !== undefined && before.completionTime !== undefined) {
    yield fieldProblem.invalid('status.completionTime', completionTime, 'field is immutable')
  }
  // Who resumes a job starts its clock anew.
  const mayRestart = spec.suspend || hasCondition(before, 'Suspended')
  if (startMoved && before.startTime !== undefined && !mayRestart) {
    yield fieldProblem.required('status.startTime', 'startTime cannot be removed for unsuspended job')
  }
}

function* indexProblems(spec: JobSpec, status: JobStatus, before: JobStatus): Generator<FieldProblem> {
  const { completedIndexes: completed = '', failedIndexes: failed } = status
  const completedMoved = completed !== (before.completedIndexes ?? '')
  const failedMoved = failed !== before.failedIndexes
  const { completions, backoffLimitPerIndex } = spec
  const parsed = { completed: listOf(completed, completions), failed: listOf(failed ?? '', completions) }
  if (completedMoved && typeof parsed.completed === 'string') {
    yield fieldProblem.invalid('status.completedIndexes', completed, `error parsing completedIndexes: ${parsed.completed}`)
  }
  if (failedMoved && backoffLimitPerIndex !== undefined && typeof parsed.failed === 'string') {
    yield fieldProblem.invalid('status.failedIndexes', failed, `error parsing failedIndexes: ${parsed.failed}`)
  }
  if (completedMoved && completed !== '' && !isIndexed(spec)) {
    const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode'
    yield fieldProblem.invalid('status.completedIndexes', completed, detail)
  }
  if (failedMoved && failed !== undefined && backoffLimitPerIndex === undefined) {
    yield fieldProblem.invalid('status.failedIndexes', failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null')
  }
  if ((completedMoved || failedMoved) && typeof parsed.completed === 'object' && typeof parsed.failed === 'object') {
    const common = firstCommonIndex(parsed.completed, parsed.failed)
    if (common !== undefined) {
      yield fieldProblem.invalid('status.failedIndexes', failed, `failedIndexes and completedIndexes overlap at index: ${common}`)
    }
  }
}

/** The intervals, or what is wrong with them; without completions nothing is said about them. */
function listOf(text: string, completions: number | undefined): ReturnType<typeof parseIndexList> | string {
  try {
    return completions === undefined ? [] : parseIndexList(text, completions)
  } catch (error) {
    if (!(error instanceof IndexListError)) throw error
    return error.message
  }
}

/** What was counted stays counted; only a job that shrinks has fewer successes than before. */
function* decreaseProblems({ spec, status }: Job, before: JobStatus): Generator<FieldProblem> {
  const { succeeded = 0, failed = 0 } = status
  if (failed < (before.failed ?? 0)) yield fieldProblem.invalid('status.failed', failed, 'cannot decrease the failed counter')
  const mayShrink = isIndexed(spec) && spec.completions === spec.parallelism
  if (!mayShrink && succeeded < (before.succeeded ?? 0)) {
    yield fieldProblem.invalid('status.succeeded', succeeded, 'cannot decrease the succeeded counter')
  }
}
