import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { CSIDriver } from '../../shared/openapi/generated/storage-v1.ts'
import { attachmentOfVolume, requiresAttachment } from '../../shared/volumes/attachments.ts'
import { isBoundTo } from '../../shared/volumes/matching.ts'
import { claimsOfPod, isClaimOfPod } from '../../shared/volumes/pod-claims.ts'
import type { NeededVolume } from '../plans/attachments.ts'

export interface VolumeLookups {
  /** By `namespace/name`. */
  claim(key: string): PersistentVolumeClaim | undefined
  volume(name: string): PersistentVolume | undefined
  driver(name: string): CSIDriver | undefined
}

/** The volumes of CSI drivers that these pods of a node need attached; a volume of several pods once. */
export function neededVolumes(pods: readonly Pod[], nodeName: string, lookups: VolumeLookups): NeededVolume[] {
  const byName = new Map<string, { name: string; volume: PersistentVolume; pods: Pod[] }>()
  for (const pod of pods) {
    if (hasEnded(pod)) continue
    for (const volume of volumesOf(pod, lookups)) {
      const name = attachmentOfVolume(volume, nodeName)
      if (name === undefined || !requiresAttachment(lookups.driver(volume.spec.csi?.driver ?? ''))) continue
      const needed = byName.get(name) ?? { name, volume, pods: [] }
      if (!needed.pods.includes(pod)) needed.pods.push(pod)
      byName.set(name, needed)
    }
  }
  return [...byName.values()]
}

/** The PersistentVolumes that a pod's claims are bound to. */
export function volumesOf(pod: Pod, { claim: claimOf, volume: volumeOf }: Pick<VolumeLookups, 'claim' | 'volume'>): PersistentVolume[] {
  return claimsOfPod(pod).flatMap(({ claimName, isEphemeral }) => {
    const claim = claimOf(`${pod.metadata.namespace}/${claimName}`)
    if (claim?.status.phase !== 'Bound' || (isEphemeral && !isClaimOfPod(claim, pod))) return []
    const volume = volumeOf(claim.spec.volumeName ?? '')
    return volume && isBoundTo(volume, claim) ? [volume] : []
  })
}

/** No container of it runs, or will: its node may still be unmounting, and says so itself. Upstream's rule. */
function hasEnded({ metadata, status }: Pod): boolean {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return true
  return (
    metadata.deletionTimestamp !== undefined && !(status.containerStatuses ?? []).some(({ state }) => !state?.terminated && !state?.waiting)
  )
}
