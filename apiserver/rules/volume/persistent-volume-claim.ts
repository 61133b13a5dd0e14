import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeClaimTemplate,
  TypedObjectReference,
} from '../../../shared/openapi/generated/core-v1.ts'
import { compareQuantities, parseQuantity } from '../../../shared/quantity/quantity.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { OLD_CLASS } from '../../../shared/volumes/storage-class.ts'
import { sameValue } from '../../registry/same-value.ts'
import { immutableProblem } from '../metadata/immutable.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { annotationsProblems, labelsProblems } from '../metadata/labels.ts'
import { dnsLabelProblems } from '../metadata/names.ts'
import { accessModesProblems, volumeModeProblems } from './access-modes.ts'
import { classNameProblems, positiveProblems } from './persistent-volume.ts'

const SNAPSHOTS = 'snapshot.storage.k8s.io'

/**
 * What a volume is filled from: the older field alone knows claims and snapshots only, the newer anything; where one is left out they say the same.
 * A source of another namespace is dropped, as upstream, where it is an alpha feature. For new claims.
 */
export function normalizeDataSources(spec: PersistentVolumeClaimSpec): void {
  if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef
  if (spec.dataSource && !spec.dataSourceRef && !isKnownSource(spec.dataSource)) delete spec.dataSource
  const { dataSource, dataSourceRef } = spec
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource }
  else if (dataSourceRef && !dataSource) {
    const { apiGroup, kind, name } = dataSourceRef
    spec.dataSource = { apiGroup, kind, name }
  }
}

function isKnownSource({ apiGroup, kind }: { apiGroup: string | null; kind: string }): boolean {
  return apiGroup ? apiGroup === SNAPSHOTS && kind === 'VolumeSnapshot' : kind === 'PersistentVolumeClaim'
}

export function* claimProblems(spec: PersistentVolumeClaimSpec, path: string): Generator<FieldProblem> {
  if (!spec.accessModes?.length) yield fieldProblem.required(`${path}.accessModes`, 'at least 1 access mode is required')
  yield* labelSelectorProblems(spec.selector, `${path}.selector`)
  yield* accessModesProblems(spec.accessModes ?? [], `${path}.accessModes`)
  const wanted = spec.resources.requests?.['storage']
  if (wanted === undefined) yield fieldProblem.required(`${path}.resources[storage]`)
  else yield* positiveProblems(wanted, `${path}.resources[storage]`)
  if (spec.storageClassName) yield* classNameProblems(spec.storageClassName, `${path}.storageClassName`)
  yield* volumeModeProblems(spec.volumeMode, `${path}.volumeMode`)
  const { dataSource, dataSourceRef } = spec
  if (dataSource) yield* dataSourceProblems(dataSource, `${path}.dataSource`)
  if (dataSourceRef) yield* dataSourceProblems(dataSourceRef, `${path}.dataSourceRef`)
  if (dataSource && dataSourceRef?.namespace) {
    yield fieldProblem.invalid(path, `${path}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified')
  } else if (dataSource && dataSourceRef && !isSameSource(dataSource, dataSourceRef)) {
    yield fieldProblem.invalid(path, `${path}.dataSource`, 'must match dataSourceRef')
  }
  if (spec.volumeAttributesClassName) yield* classNameProblems(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`)
}

type Source = Omit<TypedObjectReference, 'namespace'> & { namespace?: string | undefined }

function isSameSource(a: Source, b: Source): boolean {
  return (a.apiGroup ?? '') === (b.apiGroup ?? '') && a.kind === b.kind && a.name === b.name
}

function* dataSourceProblems({ apiGroup, kind, name, namespace }: Source, path: string): Generator<FieldProblem> {
  if (!name) yield fieldProblem.required(`${path}.name`)
  if (!kind) yield fieldProblem.required(`${path}.kind`)
  if (!apiGroup && kind !== 'PersistentVolumeClaim')
    yield fieldProblem.invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
  if (apiGroup) for (const problem of subdomainProblems(apiGroup)) yield fieldProblem.invalid(`${path}.apiGroup`, apiGroup, problem)
  if (namespace) for (const problem of dnsLabelProblems(namespace)) yield fieldProblem.invalid(`${path}.namespace`, namespace, problem)
}

/** A claim that a pod or a StatefulSet makes for itself: labels, annotations and a spec. */
export function* claimTemplateProblems(template: PersistentVolumeClaimTemplate | undefined, path: string): Generator<FieldProblem> {
  if (!template) {
    yield fieldProblem.required(path)
    return
  }
  const { labels, annotations, ...others } = template.metadata
  yield* annotationsProblems(annotations, `${path}.metadata.annotations`)
  yield* labelsProblems(labels, `${path}.metadata.labels`)
  for (const [field, value] of Object.entries(others)) {
    if (value !== undefined && value !== null) yield fieldProblem.forbidden(`${path}.metadata.${field}`, 'cannot be set')
  }
  yield* claimProblems(template.spec, `${path}.spec`)
}

/** Claims stay what they are, so that nobody grows past a quota; the volume is named once, and a bound claim may ask for more. */
export function* claimUpdateProblems(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): Generator<FieldProblem> {
  const [oldClass, newClass] = [previous.metadata.annotations?.[OLD_CLASS], next.metadata.annotations?.[OLD_CLASS]]
  const fixed = structuredClone(next.spec)
  if (!previous.spec.volumeName) fixed.volumeName = previous.spec.volumeName
  const isLateClass = previous.spec.storageClassName === undefined && next.spec.storageClassName !== undefined
  const isFromAnnotation = isLateClass && oldClass === next.spec.storageClassName && (newClass === undefined || newClass === oldClass)
  if (!isFromAnnotation) yield* immutableProblem(`metadata.annotations.${OLD_CLASS}`, newClass ?? '', oldClass ?? '')
  if (isLateClass && (oldClass === undefined || oldClass === next.spec.storageClassName)) fixed.storageClassName = undefined
  if (next.status.phase === 'Bound') {
    if (fixed.resources.requests) fixed.resources.requests = { ...fixed.resources.requests, ...storageOf(previous) }
    if (fixed.volumeAttributesClassName !== undefined) fixed.volumeAttributesClassName = previous.spec.volumeAttributesClassName
  }
  if (!sameValue(fixed, previous.spec)) {
    const why = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
    yield fieldProblem.forbidden('spec', `${why}: ${changedFields(fixed, previous.spec).join(', ')} may not change`)
  }
  yield* shrinkProblems(next, previous)
  yield* immutableProblem('volumeMode', next.spec.volumeMode, previous.spec.volumeMode)
  const [newAttributes, oldAttributes] = [next.spec.volumeAttributesClassName, previous.spec.volumeAttributesClassName]
  if (oldAttributes !== undefined && !newAttributes && newAttributes !== oldAttributes) {
    const to = newAttributes === undefined ? 'nil' : 'an empty string'
    yield fieldProblem.forbidden('spec.volumeAttributesClassName', `update from non-nil value to ${to} is forbidden`)
  }
}

/** Smaller only back to what there is, and not down to it: who asked for too much may take it back. */
function* shrinkProblems({ spec }: PersistentVolumeClaim, previous: PersistentVolumeClaim): Generator<FieldProblem> {
  const amount = (text: string | undefined) => parseQuantity(text ?? '0')
  const wanted = amount(spec.resources.requests?.['storage'])
  if (compareQuantities(wanted, amount(previous.spec.resources.requests?.['storage'])) >= 0) return
  if (compareQuantities(wanted, amount(previous.status.capacity?.['storage'])) <= 0)
    yield fieldProblem.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity')
}

function storageOf({ spec }: PersistentVolumeClaim): { storage?: string } {
  const storage = spec.resources.requests?.['storage']
  return storage === undefined ? {} : { storage }
}

function changedFields(next: PersistentVolumeClaimSpec, previous: PersistentVolumeClaimSpec): string[] {
  const names = new Set([...Object.keys(next), ...Object.keys(previous)])
  return [...names].filter((name) => !sameValue(Reflect.get(next, name), Reflect.get(previous, name))).sort()
}

const resizeStates = [
  ...['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizePending', 'NodeResizeInProgress', 'NodeResizeInfeasible'],
].sort()

export function* claimStatusProblems({ status }: PersistentVolumeClaim): Generator<FieldProblem> {
  for (const [name, amount] of Object.entries(status.capacity ?? {})) yield* nonNegativeProblems(amount, `status.capacity[${name}]`)
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    if (!resizeStates.includes(state)) yield fieldProblem.notSupported('status.allocatedResourceStatus', name, resizeStates)
  }
  for (const [name, amount] of Object.entries(status.allocatedResources ?? {}))
    yield* nonNegativeProblems(amount, `status.allocatedResources[${name}]`)
}

function* nonNegativeProblems(amount: string, path: string): Generator<FieldProblem> {
  if (parseQuantity(amount).nano < 0n) yield fieldProblem.invalid(path, amount, 'must be a valid resource quantity')
}

/** A volume has whole bytes. */
export function* claimWarnings({ metadata, spec }: PersistentVolumeClaim): Generator<string> {
  if (metadata.annotations?.[OLD_CLASS] !== undefined)
    yield `metadata.annotations[${OLD_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`
  const wanted = spec.resources.requests?.['storage']
  if (wanted !== undefined && parseQuantity(wanted).nano % 10n ** 9n !== 0n)
    yield `spec.resources.requests[storage]: fractional byte value ${JSON.stringify(wanted)} is invalid, must be an integer`
}
