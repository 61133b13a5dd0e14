import type { PersistentVolume, PersistentVolumeClaim } from '../openapi/generated/core-v1.ts'
import { BIND_COMPLETED, BOUND_BY_CONTROLLER } from './annotations.ts'

/** The volume as a binding leaves it: it names the claim; undefined when it does already. */
export function boundVolume(volume: PersistentVolume, { metadata }: PersistentVolumeClaim): PersistentVolume | undefined {
  if (volume.spec.claimRef?.uid && volume.spec.claimRef.uid === metadata.uid) return undefined
  const next = structuredClone(volume)
  if (!next.spec.claimRef) next.metadata.annotations = { ...next.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' }
  const { namespace, name, uid, resourceVersion } = metadata
  next.spec.claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
  return next
}

/** The claim as a binding leaves it: it names the volume, and says that binding is done; undefined when it does already. */
export function boundClaim(claim: PersistentVolumeClaim, { metadata }: PersistentVolume): PersistentVolumeClaim | undefined {
  const annotations = { ...claim.metadata.annotations }
  if (claim.spec.volumeName === metadata.name && annotations[BIND_COMPLETED] !== undefined) return undefined
  const next = structuredClone(claim)
  if (!next.spec.volumeName) annotations[BOUND_BY_CONTROLLER] = 'yes'
  next.spec.volumeName = metadata.name
  next.metadata.annotations = { ...annotations, [BIND_COMPLETED]: 'yes' }
  return next
}

/** Whether the claim has its volume for good. */
export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return !!spec.volumeName && metadata.annotations?.[BIND_COMPLETED] !== undefined
}
