import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { RollingUpdateDeployment } from '../../../shared/openapi/generated/apps-v1.ts'

type NumberOrPercent = number | string

/** Numbers or percentages, and not both zero: nothing could ever move. */
export function* rollingUpdateProblems(
  { maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDeployment,
  path: string,
): Generator<FieldProblem> {
  yield* numberOrPercentProblems(maxUnavailable, `${path}.maxUnavailable`)
  yield* numberOrPercentProblems(maxSurge, `${path}.maxSurge`)
  if (amountOf(maxUnavailable) === 0 && amountOf(maxSurge) === 0) {
    yield fieldProblem.invalid(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')
  }
  yield* notMoreThanAllProblems(maxUnavailable, `${path}.maxUnavailable`)
}

export function* notMoreThanAllProblems(value: NumberOrPercent, path: string): Generator<FieldProblem> {
  if (typeof value === 'string' && amountOf(value) > 100) yield fieldProblem.invalid(path, value, 'must not be greater than 100%')
}

export function* numberOrPercentProblems(value: NumberOrPercent, path: string): Generator<FieldProblem> {
  if (typeof value === 'number') {
    if (value < 0) yield fieldProblem.invalid(path, value, 'must be greater than or equal to 0')
  } else if (!/^[0-9]+%$/.test(value)) {
    const detail =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
    yield fieldProblem.invalid(path, value, detail)
  }
}

/** The number, or that before the percent sign. */
export function amountOf(value: NumberOrPercent): number {
  return typeof value === 'number' ? value : Number.parseInt(value, 10)
}
