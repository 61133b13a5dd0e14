import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  StatefulSetPersistentVolumeClaimRetentionPolicy,
  StatefulSetSpec,
  StatefulSetStatus,
  StatefulSetUpdateStrategy,
} from '../../../shared/openapi/generated/apps-v1.ts'
import type { PodTemplateSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { sameValue } from '../../registry/same-value.ts'
import { workloadSelectorProblems } from '../metadata/label-selector.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { everRunningProblems, podTemplateProblems } from '../pod/pod-template.ts'
import { claimProblems } from '../volume/persistent-volume-claim.ts'
import { notNegative } from './replica-set.ts'
import { amountOf, notMoreThanAllProblems, numberOrPercentProblems } from './rolling-update.ts'
import { collisionCountProblems, countProblems } from './status-counts.ts'

export function* statefulSetProblems(spec: StatefulSetSpec): Generator<FieldProblem> {
  yield* policyProblems(spec.podManagementPolicy, 'spec.podManagementPolicy')
  yield* strategyProblems(spec.updateStrategy, 'spec.updateStrategy')
  yield* retentionProblems(spec.persistentVolumeClaimRetentionPolicy ?? {}, 'spec.persistentVolumeClaimRetentionPolicy')
  yield* notNegative(spec.replicas, 'spec.replicas')
  yield* notNegative(spec.minReadySeconds, 'spec.minReadySeconds')
  yield* notNegative(spec.ordinals?.start, 'spec.ordinals.start')
  yield* serviceNameProblems(spec.serviceName)
  yield* workloadSelectorProblems(spec.selector, spec.template.metadata.labels, 'statefulset')
  yield* podTemplateProblems(withClaims(spec), 'spec.template')
  yield* everRunningProblems(spec.template, 'spec.template', 'StatefulSet')
  for (const [index, claim] of (spec.volumeClaimTemplates ?? []).entries()) {
    yield* claimProblems(claim.spec, `spec.volumeClaimTemplates[${index}].spec`)
  }
}

/** It stands in the names of the pods; a set without one has pods that nobody finds by name. */
function* serviceNameProblems(name: string): Generator<FieldProblem> {
  if (name) for (const problem of dnsLabelProblems(name)) yield fieldProblem.invalid('spec.serviceName', name, problem)
}

/** The template as its pods will be: what the set claims are volumes that containers may mount. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const claims = volumeClaimTemplates.map(({ metadata: { name = '' } }) => ({ name, persistentVolumeClaim: { claimName: name } }))
  const names = new Set(claims.map(({ name }) => name))
  const volumes = [...(template.spec.volumes ?? []).filter(({ name }) => !names.has(name)), ...claims]
  return { ...template, spec: { ...template.spec, volumes } }
}

function* policyProblems(policy: string | undefined, path: string): Generator<FieldProblem> {
  if (!policy) yield fieldProblem.required(path)
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    yield fieldProblem.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'")
  }
}

function* strategyProblems(strategy: StatefulSetUpdateStrategy, path: string): Generator<FieldProblem> {
  const { type, rollingUpdate } = strategy
  if (!type) yield fieldProblem.required(path)
  else if (type === 'OnDelete') {
    if (rollingUpdate) yield fieldProblem.invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
  } else if (type !== 'RollingUpdate') yield fieldProblem.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")
  else if (rollingUpdate) {
    yield* notNegative(rollingUpdate.partition, `${path}.rollingUpdate.partition`)
    const { maxUnavailable } = rollingUpdate
    if (maxUnavailable === undefined) return
    yield* numberOrPercentProblems(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`)
    if (amountOf(maxUnavailable) === 0) yield fieldProblem.invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'cannot be 0')
    yield* notMoreThanAllProblems(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`)
  }
}

function* retentionProblems(policy: StatefulSetPersistentVolumeClaimRetentionPolicy, path: string): Generator<FieldProblem> {
  for (const when of ['whenDeleted', 'whenScaled'] as const) {
    const what = policy[when]
    if (what !== 'Retain' && what !== 'Delete') yield fieldProblem.notSupported(`${path}.${when}`, what, ['Delete', 'Retain'])
  }
}

/** What of a set may change; anything else would tear it from the pods and claims that it has. */
const CHANGEABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const

export function* statefulSetUpdateProblems(next: StatefulSetSpec, previous: StatefulSetSpec): Generator<FieldProblem> {
  const fixed = ({ ...spec }: StatefulSetSpec): object => {
    for (const name of CHANGEABLE) Reflect.deleteProperty(spec, name)
    return spec
  }
  if (sameValue(fixed(next), fixed(previous))) return
  const listed = `${CHANGEABLE.slice(0, -1)
    .map((name) => `'${name}'`)
    .join(', ')} and '${CHANGEABLE.at(-1)}'`
  yield fieldProblem.forbidden('spec', `updates to statefulset spec for fields other than ${listed} are forbidden`)
}

const PARTS = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const

export function* statefulSetStatusProblems(status: StatefulSetStatus, previous: StatefulSetStatus): Generator<FieldProblem> {
  yield* countProblems(status, ['replicas', ...PARTS, 'observedGeneration', 'collisionCount'], 'status')
  for (const part of PARTS) {
    const count = status[part] ?? 0
    if (count > status.replicas) yield fieldProblem.invalid(`status.${part}`, count, 'cannot be greater than status.replicas')
  }
  if (status.availableReplicas > (status.readyReplicas ?? 0)) {
    yield fieldProblem.invalid('status.availableReplicas', status.availableReplicas, 'cannot be greater than status.readyReplicas')
  }
  yield* collisionCountProblems(status.collisionCount, previous.collisionCount)
}
