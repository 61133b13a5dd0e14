import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { PodTemplateSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { annotationsProblems, labelsProblems } from '../metadata/labels.ts'
import { podSpecProblems } from './pod-spec.ts'

/** What pods are made from. */
export function* podTemplateProblems(template: PodTemplateSpec, path: string): Generator<FieldProblem> {
  yield* labelsProblems(template.metadata.labels, `${path}.labels`)
  yield* annotationsProblems(template.metadata.annotations, `${path}.annotations`)
  yield* podSpecProblems(template.spec, `${path}.spec`)
  if (template.spec.ephemeralContainers?.length) {
    yield fieldProblem.forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')
  }
}

/** A template whose pods are replaced whenever they end: they must want to run for ever. */
export function* everRunningProblems({ spec }: PodTemplateSpec, path: string, kind: string): Generator<FieldProblem> {
  if (spec.restartPolicy !== 'Always') yield fieldProblem.notSupported(`${path}.spec.restartPolicy`, spec.restartPolicy, ['Always'])
  if (spec.activeDeadlineSeconds !== undefined) {
    yield fieldProblem.forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`)
  }
}
