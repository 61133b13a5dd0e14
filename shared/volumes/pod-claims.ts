import type { PersistentVolumeClaim, Pod } from '../openapi/generated/core-v1.ts'

/** A volume of a pod that stands for a claim. */
export interface PodClaim {
  readonly volume: string
  readonly claimName: string
  /** The claim is made for the pod, and goes with it. */
  readonly isEphemeral: boolean
}

/** The claims that a pod uses, in the order of its volumes. */
export function claimsOfPod({ metadata, spec }: Pod): PodClaim[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }): PodClaim[] => {
    if (persistentVolumeClaim) return [{ volume: name, claimName: persistentVolumeClaim.claimName, isEphemeral: false }]
    return ephemeral ? [{ volume: name, claimName: ephemeralClaimName(metadata.name ?? '', name), isEphemeral: true }] : []
  })
}

/** Upstream's name of the claim that is made for a volume of a pod. */
export function ephemeralClaimName(pod: string, volume: string): string {
  return `${pod}-${volume}`
}

/** Whether the claim was made for this very pod; one of that name which was not must not be used by it. */
export function isClaimOfPod({ metadata }: PersistentVolumeClaim, pod: Pod): boolean {
  return metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === pod.metadata.uid) ?? false
}

/** `namespace/name` of each claim of a pod: for lookups. */
export function claimKeysOf(pod: Pod): string[] {
  return claimsOfPod(pod).map(({ claimName }) => `${pod.metadata.namespace ?? ''}/${claimName}`)
}
