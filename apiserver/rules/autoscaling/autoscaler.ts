import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  HorizontalPodAutoscalerSpec,
  HorizontalPodAutoscalerStatus,
  HPAScalingPolicy,
  HPAScalingRules,
} from '../../../shared/openapi/generated/autoscaling-v2.ts'
import { parseQuantity } from '../../../shared/quantity/quantity.ts'
import { notNegative } from '../workload/replica-set.ts'
import { metricProblems, referenceProblems } from './metric-source.ts'

/** Scaling to zero is an alpha feature upstream, and off (HPAScaleToZero). */
const LEAST_REPLICAS = 1
const LONGEST_WINDOW_SECONDS = 3600
const LONGEST_PERIOD_SECONDS = 1800

/** Rules of an autoscaler's wishes, in upstream's words. */
export function* autoscalerProblems({
  minReplicas,
  maxReplicas,
  scaleTargetRef,
  metrics = [],
  behavior,
}: HorizontalPodAutoscalerSpec): Generator<FieldProblem> {
  if (minReplicas !== undefined && minReplicas < LEAST_REPLICAS) {
    yield fieldProblem.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${LEAST_REPLICAS}`)
  }
  if (maxReplicas < 1) yield fieldProblem.invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0')
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    yield fieldProblem.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`')
  }
  // The only scalable kind of the core group may leave its group out.
  yield* referenceProblems(scaleTargetRef, 'spec.scaleTargetRef', { needsGroup: scaleTargetRef.kind !== 'ReplicationController' })
  for (const [index, metric] of metrics.entries()) yield* metricProblems(metric, `spec.metrics[${index}]`)
  if (minReplicas === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    yield fieldProblem.forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas')
  }
  if (behavior?.scaleUp) yield* rulesProblems(behavior.scaleUp, 'spec.behavior.scaleUp')
  if (behavior?.scaleDown) yield* rulesProblems(behavior.scaleDown, 'spec.behavior.scaleDown')
}

/** What a writer of the status may not say. */
export function* autoscalerStatusProblems({ currentReplicas, desiredReplicas }: HorizontalPodAutoscalerStatus): Generator<FieldProblem> {
  yield* notNegative(currentReplicas, 'status.currentReplicas')
  yield* notNegative(desiredReplicas, 'status.desiredReplicas')
}

function* rulesProblems(rules: HPAScalingRules, path: string): Generator<FieldProblem> {
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = rules
  if (window < 0) yield fieldProblem.invalid(`${path}.stabilizationWindowSeconds`, window, 'must be greater than or equal to zero')
  if (window > LONGEST_WINDOW_SECONDS) {
    yield fieldProblem.invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${LONGEST_WINDOW_SECONDS}`)
  }
  if (selectPolicy !== undefined && !['Disabled', 'Max', 'Min'].includes(selectPolicy)) {
    yield fieldProblem.notSupported(`${path}.selectPolicy`, selectPolicy, ['Disabled', 'Max', 'Min'])
  }
  if (policies.length === 0) yield fieldProblem.required(`${path}.policies`, 'must specify at least one Policy')
  for (const [index, policy] of policies.entries()) yield* policyProblems(policy, `${path}.policies[${index}]`)
  if (tolerance !== undefined && parseQuantity(tolerance).nano < 0n) {
    yield fieldProblem.invalid(`${path}.tolerance`, tolerance, 'must be greater than or equal to 0')
  }
}

function* policyProblems({ type, value, periodSeconds }: HPAScalingPolicy, path: string): Generator<FieldProblem> {
  if (type !== 'Percent' && type !== 'Pods') yield fieldProblem.notSupported(`${path}.type`, type, ['Percent', 'Pods'])
  if (value <= 0) yield fieldProblem.invalid(`${path}.value`, value, 'must be greater than zero')
  if (periodSeconds <= 0) yield fieldProblem.invalid(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero')
  if (periodSeconds > LONGEST_PERIOD_SECONDS) {
    yield fieldProblem.invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${LONGEST_PERIOD_SECONDS}`)
  }
}
