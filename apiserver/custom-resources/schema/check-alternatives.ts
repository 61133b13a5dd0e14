import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Check } from './check.ts'
import type { Shape } from './shape.ts'

/** `allOf`, `anyOf`, `oneOf`, `not`: of alternatives that all fail, the nearest one says why. */
export function checkAlternatives(value: unknown, shape: Shape, path: string, check: Check): void {
  const { allOf, anyOf, oneOf, not } = shape
  const { found } = check
  const problemsOf = (each: Shape): FieldProblem[] => {
    const own: Check = { ...check, found: [] }
    check.walk(value, each, path, own)
    return own.found
  }
  const failed = (sentence: string) => found.push(fieldProblem.invalid(path, '', `${JSON.stringify(path)} ${sentence}`))
  if (anyOf.length > 0) {
    const answers = until(anyOf, problemsOf)
    if (!answers.some(({ length }) => length === 0)) {
      failed('must validate at least one schema (anyOf)')
      found.push(...nearest(answers))
    }
  }
  if (oneOf.length > 0) {
    const answers = oneOf.map(problemsOf)
    const valid = answers.filter(({ length }) => length === 0).length
    if (valid !== 1) {
      failed(`must validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`)
      if (valid === 0) found.push(...nearest(answers))
    }
  }
  if (allOf.length > 0) {
    const own = allOf.flatMap(problemsOf)
    if (own.length > 0) {
      failed('must validate all the schemas (allOf)')
      found.push(...own)
    }
  }
  if (not && problemsOf(not).length === 0) failed('must not validate the schema (not)')
}

/** Stops at the first that has nothing to complain of. */
function until(shapes: readonly Shape[], problemsOf: (shape: Shape) => FieldProblem[]): FieldProblem[][] {
  const answers: FieldProblem[][] = []
  for (const shape of shapes) {
    const problems = problemsOf(shape)
    answers.push(problems)
    if (problems.length === 0) break
  }
  return answers
}

function nearest(answers: readonly FieldProblem[][]): readonly FieldProblem[] {
  return answers.reduce((best, each) => (each.length < best.length ? each : best))
}
