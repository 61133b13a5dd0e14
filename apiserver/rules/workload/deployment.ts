import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { DeploymentSpec, DeploymentStrategy } from '../../../shared/openapi/generated/apps-v1.ts'
import { workloadSelectorProblems } from '../metadata/label-selector.ts'
import { everRunningProblems, podTemplateProblems } from '../pod/pod-template.ts'
import { notNegative } from './replica-set.ts'
import { rollingUpdateProblems } from './rolling-update.ts'

export function* deploymentProblems(spec: DeploymentSpec): Generator<FieldProblem> {
  yield* notNegative(spec.replicas, 'spec.replicas')
  yield* workloadSelectorProblems(spec.selector, spec.template.metadata.labels, 'deployment')
  yield* everRunningProblems(spec.template, 'spec.template', 'ReplicaSet')
  yield* podTemplateProblems(spec.template, 'spec.template')
  yield* strategyProblems(spec.strategy)
  yield* notNegative(spec.minReadySeconds, 'spec.minReadySeconds')
  yield* notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit')
  const deadline = spec.progressDeadlineSeconds
  if (deadline === undefined) return
  yield* notNegative(deadline, 'spec.progressDeadlineSeconds')
  if (deadline <= (spec.minReadySeconds ?? 0)) {
    yield fieldProblem.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds')
  }
}

function* strategyProblems({ type = '', rollingUpdate }: DeploymentStrategy): Generator<FieldProblem> {
  const path = 'spec.strategy'
  if (type === 'Recreate') {
    if (rollingUpdate) yield fieldProblem.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")
  } else if (type === 'RollingUpdate') {
    if (!rollingUpdate) yield fieldProblem.required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil')
    else yield* rollingUpdateProblems(rollingUpdate, `${path}.rollingUpdate`)
  } else yield fieldProblem.notSupported(`${path}.type`, type, ['Recreate', 'RollingUpdate'])
}
