import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

/** The named numbers of a status are not negative. */
export function* countProblems<T extends object>(status: T, names: readonly (keyof T & string)[], path: string): Generator<FieldProblem> {
  for (const name of names) {
    const value = status[name]
    if (typeof value === 'number' && value < 0) {
      yield fieldProblem.invalid(`${path}.${name}`, value, 'must be greater than or equal to 0')
    }
  }
}

/** How often a name was taken by a stranger: that only grows, or the same name would be tried again. */
export function* collisionCountProblems(next: number | undefined, previous: number | undefined): Generator<FieldProblem> {
  if ((next ?? 0) < (previous ?? 0)) yield fieldProblem.invalid('status.collisionCount', next ?? 0, 'cannot be decremented')
}
