import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

/** Steps of one validation: places looked at, alternatives tried, signs matched. An object of the largest size with a schema of the usual kind takes a third. */
const STEPS = 1_000_000

/** A schema with many alternatives over a large object multiplies: the sum is what is bounded. */
export class CheckBudget {
  #left = STEPS

  /** False when there is nothing left: the walk ends. */
  spend(steps: number): boolean {
    this.#left -= steps
    return this.#left >= 0
  }

  get isSpent(): boolean {
    return this.#left < 0
  }
}

export function tooCostly(path: string): FieldProblem {
  return fieldProblem.forbidden(
    path,
    `checking the object by its schema takes more than ${STEPS} steps; make the object or the schema smaller`,
  )
}
