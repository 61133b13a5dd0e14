import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { TopologySelectorTerm } from '../../../shared/openapi/generated/core-v1.ts'
import { byteLength, labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { sameValue } from '../../registry/same-value.ts'

const MOST_PARAMETERS = 512
const PARAMETER_BYTES = 256 * 1024

type Texts = Readonly<Record<string, string>> | undefined

/** The name of whoever makes volumes, or of a driver. */
export function* provisionerProblems(name: string, path: string): Generator<FieldProblem> {
  if (name === '') yield fieldProblem.required(path)
  else for (const problem of labelKeyProblems(name.toLowerCase())) yield fieldProblem.invalid(path, name, problem)
}

/** What a class tells its provisioner: bounded, keys not empty. */
export function* parametersProblems(parameters: Texts, path: string): Generator<FieldProblem> {
  const entries = Object.entries(parameters ?? {})
  if (entries.length > MOST_PARAMETERS) {
    yield fieldProblem.tooLong(path, MOST_PARAMETERS)
    return
  }
  let bytes = 0
  for (const [key, value] of entries) {
    if (key === '') yield fieldProblem.invalid(path, key, 'field can not be empty.')
    bytes += byteLength(key) + byteLength(value)
  }
  if (bytes > PARAMETER_BYTES) yield fieldProblem.tooLong(path, PARAMETER_BYTES)
}

/** Where volumes of a class may be. */
export function* topologiesProblems(terms: readonly TopologySelectorTerm[] | undefined, path: string): Generator<FieldProblem> {
  for (const [index, { matchLabelExpressions = [] }] of (terms ?? []).entries()) {
    const keys = new Set<string>()
    for (const [place, { key, values }] of matchLabelExpressions.entries()) {
      const at = `${path}[${index}].matchLabelExpressions[${place}]`
      for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${at}.key`, key, problem)
      if (keys.has(key)) yield fieldProblem.duplicate(`${at}.key`, key)
      keys.add(key)
      if (values.length === 0) yield fieldProblem.required(`${at}.values`)
      for (const [position, value] of values.entries())
        if (values.indexOf(value) < position) yield fieldProblem.duplicate(`${at}.values[${position}]`, value)
    }
    const earlier = (terms ?? []).slice(0, index)
    if (earlier.some((other) => sameValue(other.matchLabelExpressions ?? [], matchLabelExpressions)))
      yield fieldProblem.duplicate(`${path}[${index}].matchLabelExpressions`, '')
  }
}

/** A field of which upstream says that updates are forbidden. */
export function* fixedProblem(path: string, next: unknown, previous: unknown): Generator<FieldProblem> {
  if (!sameValue(next, previous)) yield fieldProblem.forbidden(path, `updates to ${path} are forbidden.`)
}
