import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { sameValue } from '../../registry/same-value.ts'

/** A field that may never change. */
export function* immutableProblem(path: string, next: unknown, previous: unknown): Generator<FieldProblem> {
  if (!sameValue(next, previous)) yield fieldProblem.invalid(path, next, 'field is immutable')
}
