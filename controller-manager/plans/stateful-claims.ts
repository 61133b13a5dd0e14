import type { StatefulSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { PersistentVolumeClaim, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { OwnerReference } from '../../shared/openapi/generated/meta-v1.ts'
import { controllerReference } from '../pods/claim.ts'
import { claimNameOf, isInRange, podNameOf } from './stateful-identity.ts'

type ClaimDraft = Pick<PersistentVolumeClaim, 'metadata' | 'spec'>

/** The claims that one pod of a set uses. They are found again by their names, and outlive the pod. */
export function claimsFor(set: StatefulSet, ordinal: number): ClaimDraft[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      name: claimNameOf(set, metadata.name ?? '', ordinal),
      namespace: set.metadata.namespace,
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
      annotations: { ...metadata.annotations },
      ownerReferences: claimOwners(set, ordinal, undefined),
    },
    spec,
  }))
}

/**
 * Who takes a claim along when it goes (persistentVolumeClaimRetentionPolicy): the set, when claims go with it; the pod, once it is one too
 * many and claims go with scaling down. A pod that will come back takes nothing along.
 */
export function claimOwners(set: StatefulSet, ordinal: number, pod: Pod | undefined): OwnerReference[] {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  if (whenScaled === 'Delete' && !isInRange(set, ordinal)) return pod ? [podReference(pod)] : []
  return whenDeleted === 'Delete' ? [controllerReference(set)] : []
}

/** The owners that a claim should have instead of those it has; undefined when they are right, or when somebody else manages the claim. */
export function correctedOwners(claim: PersistentVolumeClaim, set: StatefulSet, ordinal: number, pod: Pod): OwnerReference[] | undefined {
  const known = claim.metadata.ownerReferences ?? []
  const isOurs = ({ uid }: OwnerReference) => uid === set.metadata.uid || uid === pod.metadata.uid
  const others = known.filter((reference) => !isOurs(reference))
  const wanted = others.some(({ controller }) => controller) ? [] : claimOwners(set, ordinal, pod)
  const ours = known.filter(isOurs)
  if (ours.length === wanted.length && ours.every(({ uid }, index) => uid === wanted[index]?.uid)) return undefined
  return [...others, ...wanted]
}

/** Whether a claim goes with a former pod of this name: the next one must not start on what is about to be deleted. */
export function isStale({ metadata }: PersistentVolumeClaim, set: StatefulSet, ordinal: number): boolean {
  return (metadata.ownerReferences ?? []).some(({ kind, name }) => kind === 'Pod' && name === podNameOf(set, ordinal))
}

function podReference(pod: Pod): OwnerReference {
  return controllerReference({ ...pod, apiVersion: 'v1', kind: 'Pod' })
}
