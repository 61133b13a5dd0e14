import { inputLimits } from '../limits/input-limits.ts'
import { quoted, shortened } from './quoted.ts'

/** How a field is wrong; the names are those of `Status.details.causes[].reason`. */
export type FieldProblemKind =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate'
  | 'FieldValueNotFound'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'

/** One wrong field: where (`spec.ports[0].name`), how, and the sentence a person reads. */
export interface FieldProblem {
  readonly path: string
  readonly kind: FieldProblemKind
  readonly message: string
}

const required = (path: string, detail = ''): FieldProblem =>
  problem(path, 'FieldValueRequired', detail ? `Required value: ${detail}` : 'Required value')

/** Paths hold map keys, and details hold names: what strangers chose is repeated only in part. */
const problem = (path: string, kind: FieldProblemKind, message: string): FieldProblem => ({
  path: shortened(path),
  kind,
  message: shortened(message, 4 * inputLimits.quotedCharacters),
})

/** The sentences upstream's `field` package writes, so that clients and people meet the words they know. */
export const fieldProblem = {
  required,
  invalid: (path: string, value: unknown, detail: string) =>
    problem(path, 'FieldValueInvalid', `Invalid value: ${quoted(value)}: ${detail}`),
  /** Invalid as a whole, where the value would say nothing. */
  wrong: (path: string, detail: string) => problem(path, 'FieldValueInvalid', `Invalid value: ${detail}`),
  notSupported: (path: string, value: unknown, supported: readonly string[]) =>
    problem(path, 'FieldValueNotSupported', `Unsupported value: ${quoted(value)}: supported values: ${supported.map(quoted).join(', ')}`),
  forbidden: (path: string, detail: string) => problem(path, 'FieldValueForbidden', `Forbidden: ${detail}`),
  duplicate: (path: string, value: unknown) => problem(path, 'FieldValueDuplicate', `Duplicate value: ${quoted(value)}`),
  notFound: (path: string, value: unknown) => problem(path, 'FieldValueNotFound', `Not found: ${quoted(value)}`),
  tooLong: (path: string, maximum: number) => problem(path, 'FieldValueTooLong', `Too long: may not be more than ${maximum} bytes`),
  tooMany: (path: string, actual: number, maximum: number) =>
    problem(path, 'FieldValueTooMany', `Too many: ${actual}: must have at most ${maximum} items`),
} as const

/** What is told of the problems found: rules are asked no further. The last one says so where there are more. */
export function firstProblems(found: Iterable<FieldProblem>): FieldProblem[] {
  const problems: FieldProblem[] = []
  for (const each of found) {
    if (problems.length === inputLimits.problems) {
      problems.push(problem('', 'FieldValueTooMany', `Too many problems: these are the first ${inputLimits.problems}`))
      break
    }
    problems.push(each)
  }
  return problems
}
