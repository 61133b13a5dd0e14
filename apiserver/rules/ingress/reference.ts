import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'

interface Reference {
  readonly apiGroup?: string | null | undefined
  readonly kind: string
  readonly name: string
}

/** Kind and name become parts of a URL. */
export function* referenceProblems({ apiGroup, kind, name }: Reference, path: string): Generator<FieldProblem> {
  if (apiGroup !== undefined && apiGroup !== null) {
    for (const problem of subdomainProblems(apiGroup)) yield fieldProblem.invalid(`${path}.apiGroup`, apiGroup, problem)
  }
  yield* segmentProblems(kind, `${path}.kind`)
  yield* segmentProblems(name, `${path}.name`)
}

function* segmentProblems(value: string, path: string): Generator<FieldProblem> {
  if (value === '') yield fieldProblem.required(path)
  else if (value === '.' || value === '..') yield fieldProblem.invalid(path, value, `may not be '${value}'`)
  else for (const part of ['/', '%']) if (value.includes(part)) yield fieldProblem.invalid(path, value, `may not contain '${part}'`)
}
