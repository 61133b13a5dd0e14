import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ReplicaSetSpec } from '../../../shared/openapi/generated/apps-v1.ts'
import { workloadSelectorProblems } from '../metadata/label-selector.ts'
import { everRunningProblems, podTemplateProblems } from '../pod/pod-template.ts'

export function* replicaSetProblems(spec: ReplicaSetSpec): Generator<FieldProblem> {
  yield* notNegative(spec.replicas, 'spec.replicas')
  yield* notNegative(spec.minReadySeconds, 'spec.minReadySeconds')
  if (!spec.template) {
    yield fieldProblem.required('spec.template')
    return
  }
  yield* workloadSelectorProblems(spec.selector, spec.template.metadata.labels, 'deployment')
  yield* everRunningProblems(spec.template, 'spec.template', 'ReplicaSet')
  yield* podTemplateProblems(spec.template, 'spec.template')
}

export function* notNegative(value: number | undefined, path: string): Generator<FieldProblem> {
  if ((value ?? 0) < 0) yield fieldProblem.invalid(path, value, 'must be greater than or equal to 0')
}
