import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ReplicationControllerSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { labelsProblems } from '../metadata/labels.ts'
import { everRunningProblems, podTemplateProblems } from '../pod/pod-template.ts'
import { notNegative } from './replica-set.ts'

/** Its selector is a plain map, given by hand or taken from the template, and may change. */
export function* replicationControllerProblems({
  replicas,
  minReadySeconds,
  selector = {},
  template,
}: ReplicationControllerSpec): Generator<FieldProblem> {
  yield* notNegative(minReadySeconds, 'spec.minReadySeconds')
  const wanted = Object.entries(selector)
  if (wanted.length === 0) yield fieldProblem.required('spec.selector')
  yield* labelsProblems(selector, 'spec.selector')
  yield* notNegative(replicas, 'spec.replicas')
  if (!template) {
    yield fieldProblem.required('spec.template')
    return
  }
  const labels = new Map(Object.entries(template.metadata.labels ?? {}))
  if (wanted.some(([key, value]) => labels.get(key) !== value)) {
    yield fieldProblem.invalid('spec.template.metadata.labels', Object.fromEntries(labels), '`selector` does not match template `labels`')
  }
  yield* everRunningProblems(template, 'spec.template', 'ReplicationController')
  yield* podTemplateProblems(template, 'spec.template')
}
