import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy } from '../../../shared/openapi/generated/apps-v1.ts'
import { workloadSelectorProblems } from '../metadata/label-selector.ts'
import { everRunningProblems, podTemplateProblems } from '../pod/pod-template.ts'
import { notNegative } from './replica-set.ts'
import { amountOf, notMoreThanAllProblems, numberOrPercentProblems } from './rolling-update.ts'
import { collisionCountProblems, countProblems } from './status-counts.ts'

export function* daemonSetProblems(spec: DaemonSetSpec): Generator<FieldProblem> {
  yield* workloadSelectorProblems(spec.selector, spec.template.metadata.labels, 'daemonset')
  yield* podTemplateProblems(spec.template, 'spec.template')
  yield* everRunningProblems(spec.template, 'spec.template', 'DaemonSet')
  yield* notNegative(spec.minReadySeconds, 'spec.minReadySeconds')
  yield* strategyProblems(spec.updateStrategy, 'spec.updateStrategy')
  yield* notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit')
}

function* strategyProblems(strategy: DaemonSetUpdateStrategy, path: string): Generator<FieldProblem> {
  if (strategy.type === 'OnDelete') return
  if (strategy.type !== 'RollingUpdate') {
    yield fieldProblem.notSupported(path, strategy, ['OnDelete', 'RollingUpdate'])
    return
  }
  if (!strategy.rollingUpdate) {
    yield fieldProblem.required(`${path}.rollingUpdate`)
    return
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate
  const [unavailablePath, surgePath] = [`${path}.rollingUpdate.maxUnavailable`, `${path}.rollingUpdate.maxSurge`]
  yield* numberOrPercentProblems(maxUnavailable, unavailablePath)
  yield* numberOrPercentProblems(maxSurge, surgePath)
  yield* notMoreThanAllProblems(maxUnavailable, unavailablePath)
  yield* notMoreThanAllProblems(maxSurge, surgePath)
  // A node either lends its place for a moment or has two pods for a moment.
  const [hasUnavailable, hasSurge] = [amountOf(maxUnavailable) !== 0, amountOf(maxSurge) !== 0]
  if (hasUnavailable && hasSurge) yield fieldProblem.invalid(surgePath, maxSurge, 'may not be set when maxUnavailable is non-zero')
  if (!hasUnavailable && !hasSurge) yield fieldProblem.required(unavailablePath, 'cannot be 0 when maxSurge is 0')
}

const COUNTS = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const

export function* daemonSetStatusProblems(status: DaemonSetStatus, previous: DaemonSetStatus): Generator<FieldProblem> {
  yield* countProblems(status, COUNTS, 'status')
  yield* collisionCountProblems(status.collisionCount, previous.collisionCount)
}
