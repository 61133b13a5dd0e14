import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

/** A path that stays inside the folder it is taken from. */
export function* descendingPathProblems(target: string, path: string): Generator<FieldProblem> {
  if (target.startsWith('/')) yield fieldProblem.invalid(path, target, 'must be a relative path')
  yield* backstepProblems(target, path)
}

/** As above, and not of the form that atomic volume updates use for themselves. */
export function* projectedPathProblems(target: string, path: string): Generator<FieldProblem> {
  yield* descendingPathProblems(target, path)
  if (target.startsWith('..') && !target.startsWith('../') && target !== '..')
    yield fieldProblem.invalid(path, target, "must not start with '..'")
}

/** No step up. */
export function* backstepProblems(target: string, path: string): Generator<FieldProblem> {
  if (target.split('/').includes('..')) yield fieldProblem.invalid(path, target, "must not contain '..'")
}
