import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { byteLength, labelKeyProblems, labelValueProblems } from '../../../shared/selectors/label-syntax.ts'

type Texts = Readonly<Record<string, string>> | undefined

const ANNOTATIONS_LIMIT = 256 * 1024

/** Labels of templates, selectors of Services and nodes: keys and values well formed. */
export function* labelsProblems(labels: Texts, path: string): Generator<FieldProblem> {
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(path, key, problem)
    for (const problem of labelValueProblems(value)) yield fieldProblem.invalid(path, value, problem)
  }
}

/** Annotations of templates: keys well formed, not too much altogether. */
export function* annotationsProblems(annotations: Texts, path: string): Generator<FieldProblem> {
  let size = 0
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const problem of labelKeyProblems(key.toLowerCase())) yield fieldProblem.invalid(path, key, problem)
    size += byteLength(key) + byteLength(value)
  }
  if (size > ANNOTATIONS_LIMIT) yield fieldProblem.tooLong(path, ANNOTATIONS_LIMIT)
}
