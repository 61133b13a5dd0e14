import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { Job } from '../../../shared/openapi/generated/batch-v1.ts'
import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import { SelectorError } from '../../../shared/selectors/selector-error.ts'

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid'

/** By these a job's pods are found; the ones without a prefix are older, and people's scripts still use them. */
function generatedLabels({ metadata: { uid = '', name = '' } }: Job): Record<string, string> {
  return { 'controller-uid': uid, 'job-name': name, [CONTROLLER_UID]: uid, 'batch.kubernetes.io/job-name': name }
}

/** Gives the template the labels of this one job and the job a selector for them, unless its author selects by hand. Edits in place. */
export function generateSelector(job: Job): void {
  const { spec } = job
  if (spec.manualSelector) return
  // What an author put there against the rules stays, so that it is refused.
  spec.template.metadata.labels = { ...generatedLabels(job), ...spec.template.metadata.labels }
  const matchLabels = { ...spec.selector?.matchLabels }
  matchLabels[CONTROLLER_UID] ??= job.metadata.uid ?? ''
  spec.selector = { ...spec.selector, matchLabels }
}

/** What was not selected by hand carries what was generated, and selects it. */
export function* generatedSelectorProblems(job: Job): Generator<FieldProblem> {
  const { manualSelector, selector, template } = job.spec
  if (manualSelector || !selector) return
  const expected = generatedLabels(job)
  const labels = new Map(Object.entries(template.metadata.labels ?? {}))
  for (const [key, value] of Object.entries(expected)) {
    const path = `spec.template.metadata.labels`
    if (!labels.has(key)) yield fieldProblem.required(`${path}[${key}]`, `must be '${value}'`)
    else if (labels.get(key) !== value) yield fieldProblem.invalid(`${path}[${key}]`, template.metadata.labels, `must be '${value}'`)
  }
  try {
    if (!labelSelectorFrom(selector).matches(expected))
      yield fieldProblem.invalid('spec.selector', selector, '`selector` not auto-generated')
  } catch (error) {
    // Said where selectors are checked.
    if (!(error instanceof SelectorError)) throw error
  }
}
