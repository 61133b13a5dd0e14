import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { LabelSelector } from '../../../shared/openapi/generated/meta-v1.ts'
import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import { labelKeyProblems, labelValueProblems } from '../../../shared/selectors/label-syntax.ts'
import { SelectorError } from '../../../shared/selectors/selector-error.ts'
import { labelsProblems } from './labels.ts'

/** A selector object is well formed. */
export function* labelSelectorProblems(selector: LabelSelector | null | undefined, path: string): Generator<FieldProblem> {
  if (!selector) return
  yield* labelsProblems(selector.matchLabels, `${path}.matchLabels`)
  for (const [index, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) yield fieldProblem.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        yield fieldProblem.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    } else yield fieldProblem.invalid(`${at}.operator`, operator, 'not a valid selector operator')
    for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${at}.key`, key, problem)
    for (const [place, value] of values.entries()) {
      for (const problem of labelValueProblems(value)) yield fieldProblem.invalid(`${at}.values[${place}]`, value, problem)
    }
  }
}

type Texts = Readonly<Record<string, string>>

/** The selector of a workload: given, not empty, and it selects the pods made from the template. */
export function* workloadSelectorProblems(
  selector: LabelSelector | null | undefined,
  labels: Texts | undefined,
  kind: string,
): Generator<FieldProblem> {
  if (!selector) {
    yield fieldProblem.required('spec.selector')
    return
  }
  const problems = [...labelSelectorProblems(selector, 'spec.selector')]
  yield* problems
  if (!Object.keys(selector.matchLabels ?? {}).length && !selector.matchExpressions?.length) {
    yield fieldProblem.invalid('spec.selector', selector, `empty selector is invalid for ${kind}`)
  }
  if (problems.length > 0) return
  try {
    if (!labelSelectorFrom(selector).matches(labels)) {
      yield fieldProblem.invalid('spec.template.metadata.labels', labels ?? {}, '`selector` does not match template `labels`')
    }
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    yield fieldProblem.invalid('spec.selector', selector, `invalid label selector: ${error.message}`)
  }
}
