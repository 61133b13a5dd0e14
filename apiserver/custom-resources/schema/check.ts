import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { CheckBudget } from './check-budget.ts'
import type { Shape } from './shape.ts'

/** What the walk over a value carries along. */
export interface Check {
  readonly budget: CheckBudget
  readonly found: FieldProblem[]
  /** Looks at one place and all below it. */
  readonly walk: (value: unknown, shape: Shape, path: string, check: Check) => void
}

export function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Of the wrong type; the cause's reason says so. */
export function typeProblem(path: string, value: unknown, sentence: string): FieldProblem {
  return { ...fieldProblem.invalid(path, value, sentence), kind: 'FieldValueTypeInvalid' }
}
