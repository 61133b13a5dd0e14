import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { PersistentVolume, PersistentVolumeSpec } from '../../../shared/openapi/generated/core-v1.ts'
import { parseQuantity } from '../../../shared/quantity/quantity.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { sameValue } from '../../registry/same-value.ts'
import { immutableProblem } from '../metadata/immutable.ts'
import { nodeSelectorProblems } from '../pod/affinity.ts'
import { accessModesProblems, volumeModeProblems } from './access-modes.ts'
import { persistentSourceProblems, persistentSources } from './persistent-source.ts'

const reclaimPolicies = ['Delete', 'Recycle', 'Retain']

/** Upstream's defaults: nothing is lost unless somebody says so. */
export function defaultPersistentVolume(spec: PersistentVolumeSpec): void {
  spec.persistentVolumeReclaimPolicy ||= 'Retain'
  defaultVolumeSource(spec)
}

function defaultVolumeSource(spec: PersistentVolumeSpec): void {
  spec.volumeMode ??= 'Filesystem'
  const { hostPath, iscsi, rbd, azureDisk, scaleIO } = spec
  if (hostPath) hostPath.type ??= ''
  if (iscsi) iscsi.iscsiInterface ||= 'default'
  if (rbd) {
    rbd.pool ||= 'rbd'
    rbd.user ||= 'admin'
    rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite'
    azureDisk.kind ??= 'Shared'
    azureDisk.fsType ??= 'ext4'
    azureDisk.readOnly ??= false
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned'
    scaleIO.fsType ||= 'xfs'
  }
}

export function* persistentVolumeProblems(spec: PersistentVolumeSpec, path: string): Generator<FieldProblem> {
  if (!spec.accessModes?.length) yield fieldProblem.required(`${path}.accessModes`)
  yield* accessModesProblems(spec.accessModes ?? [], `${path}.accessModes`)
  yield* capacityProblems(spec.capacity ?? {}, `${path}.capacity`)
  const { persistentVolumeReclaimPolicy: policy, nodeAffinity, hostPath, storageClassName, volumeAttributesClassName: attributes } = spec
  if (policy && !reclaimPolicies.includes(policy))
    yield fieldProblem.notSupported(`${path}.persistentVolumeReclaimPolicy`, policy, reclaimPolicies)
  if (nodeAffinity) {
    if (nodeAffinity.required) yield* nodeSelectorProblems(nodeAffinity.required, `${path}.nodeAffinity.required`)
    else yield fieldProblem.required(`${path}.nodeAffinity.required`, 'must specify required node constraints')
  }
  yield* persistentSourceProblems(spec, path)
  if (policy === 'Recycle' && hostPath && /^\/*$/.test(hostPath.path)) {
    yield fieldProblem.forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'")
  }
  if (storageClassName) yield* classNameProblems(storageClassName, `${path}.storageClassName`)
  yield* volumeModeProblems(spec.volumeMode, `${path}.volumeMode`)
  if (attributes === undefined) return
  if (attributes === '') yield fieldProblem.required(`${path}.volumeAttributesClassName`, 'an empty string is disallowed')
  else yield* classNameProblems(attributes, `${path}.volumeAttributesClassName`)
  if (!spec.csi) yield fieldProblem.required(`${path}.csi`, 'has to be specified when using volumeAttributesClassName')
}

/** A VolumeAttachment's own copy of a volume: nothing of it may be about claims. */
export function* inlineVolumeProblems(spec: PersistentVolumeSpec, path: string): Generator<FieldProblem> {
  const here = 'may not be specified in the context of inline volumes'
  if (spec.claimRef) yield fieldProblem.forbidden(`${path}.claimRef`, here)
  if (Object.keys(spec.capacity ?? {}).length > 0) yield fieldProblem.forbidden(`${path}.capacity`, here)
  if (!spec.csi) yield fieldProblem.required(`${path}.csi`, 'has to be specified in the context of inline volumes')
  if (!spec.accessModes?.length) yield fieldProblem.required(`${path}.accessModes`)
  yield* accessModesProblems(spec.accessModes ?? [], `${path}.accessModes`)
  if (spec.persistentVolumeReclaimPolicy && spec.persistentVolumeReclaimPolicy !== 'Retain')
    yield fieldProblem.forbidden(`${path}.persistentVolumeReclaimPolicy`, 'may only be Retain in the context of inline volumes')
  if (spec.nodeAffinity) yield fieldProblem.forbidden(`${path}.nodeAffinity`, here)
  if (spec.storageClassName) yield fieldProblem.forbidden(`${path}.storageClassName`, here)
  if (spec.volumeMode && spec.volumeMode !== 'Filesystem')
    yield fieldProblem.forbidden(`${path}.volumeMode`, 'may not specify volumeMode other than Filesystem in the context of inline volumes')
  yield* persistentSourceProblems(spec, path)
}

export function* persistentVolumeUpdateProblems(
  { spec: next }: PersistentVolume,
  { spec: previous }: PersistentVolume,
): Generator<FieldProblem> {
  for (const name of persistentSources) {
    if (sameValue(withoutLateSecret(next, previous)[name], previous[name])) continue
    yield fieldProblem.forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation: ${name} differs`)
  }
  yield* immutableProblem('volumeMode', next.volumeMode, previous.volumeMode)
  if (previous.nodeAffinity) yield* immutableProblem('nodeAffinity', next.nodeAffinity, previous.nodeAffinity)
  if (previous.volumeAttributesClassName !== undefined && next.volumeAttributesClassName === undefined)
    yield fieldProblem.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden')
}

/** The secret for growing a volume may be added later. */
function withoutLateSecret(next: PersistentVolumeSpec, previous: PersistentVolumeSpec): PersistentVolumeSpec {
  if (!next.csi || !previous.csi || previous.csi.controllerExpandSecretRef) return next
  return { ...next, csi: { ...next.csi, controllerExpandSecretRef: undefined } }
}

export function* classNameProblems(name: string, path: string): Generator<FieldProblem> {
  for (const problem of subdomainProblems(name)) yield fieldProblem.invalid(path, name, problem)
}

function* capacityProblems(capacity: Readonly<Record<string, string>>, path: string): Generator<FieldProblem> {
  const names = Object.keys(capacity)
  if (names.length === 0) yield fieldProblem.required(path)
  if (names.length !== 1 || names[0] !== 'storage') yield fieldProblem.notSupported(path, capacity, ['storage'])
  for (const [name, amount] of Object.entries(capacity)) yield* positiveProblems(amount, `${path}[${name}]`)
}

/** More than nothing. */
export function* positiveProblems(amount: string, path: string): Generator<FieldProblem> {
  if (parseQuantity(amount).nano <= 0n) yield fieldProblem.invalid(path, amount, 'must be greater than zero')
}
