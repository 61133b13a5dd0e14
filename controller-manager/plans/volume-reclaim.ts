import type { PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { BOUND_BY_CONTROLLER, FOLDER_FINALIZER, NODE_FOLDER, PROVISIONED_BY } from '../../shared/volumes/annotations.ts'

/** The next step for a volume. */
export type VolumeStep =
  | { readonly step: 'phase'; readonly phase: 'Available' | 'Bound' }
  /** Its claim will be bound by the claim's own reconcile. */
  | { readonly step: 'claim' }
  /** The claim chose another volume: back to free; `keepsPromise` where a person had promised it to the claim by name. */
  | { readonly step: 'unbind'; readonly keepsPromise: boolean }
  | { readonly step: 'release'; readonly reclaim: Reclaim }

/** What becomes of a volume whose claim is gone. */
export type Reclaim =
  | { readonly do: 'keep' }
  /** Its provisioner sees to it. */
  | { readonly do: 'leave' }
  | { readonly do: 'delete' }
  /** A pod empties it, and then it is free for the next claim. */
  | { readonly do: 'recycle' }
  | { readonly do: 'fail'; readonly reason: string; readonly message: string }

/** What to do about a volume. `claim` is that of its claimRef, and the same by uid; undefined when it is gone. Pure. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeStep {
  const { claimRef } = volume.spec
  if (!claimRef?.uid) return { step: 'phase', phase: 'Available' }
  if (!claim) return { step: 'release', reclaim: planReclaim(volume) }
  if (claim.spec.volumeName === volume.metadata.name) return { step: 'phase', phase: 'Bound' }
  if (!claim.spec.volumeName) return { step: 'claim' }
  // Made for a claim that found another one first: nobody has put anything in it.
  if (volume.metadata.annotations?.[PROVISIONED_BY] !== undefined && volume.spec.persistentVolumeReclaimPolicy === 'Delete')
    return { step: 'release', reclaim: planReclaim(volume) }
  return { step: 'unbind', keepsPromise: volume.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined }
}

function planReclaim({ metadata, spec }: PersistentVolume): Reclaim {
  const name = JSON.stringify(metadata.name)
  switch (spec.persistentVolumeReclaimPolicy) {
    case 'Delete': {
      const provisioner = metadata.annotations?.[PROVISIONED_BY]
      if (provisioner === NODE_FOLDER) return { do: 'delete' }
      if (provisioner !== undefined) return { do: 'leave' }
      const message = `error getting deleter volume plugin for volume ${name}: no deletable volume plugin matched`
      return { do: 'fail', reason: 'VolumeFailedDelete', message }
    }
    case 'Recycle': {
      const reason = 'VolumeFailedRecycle'
      if (spec.nfs || (spec.hostPath && spec.nodeAffinity)) return { do: 'recycle' }
      if (!spec.hostPath) return { do: 'fail', reason, message: 'No recycler plugin found for the volume!' }
      // Upstream empties the path of whichever node its pod lands on, which may be another's data.
      return {
        do: 'fail',
        reason,
        message: 'a hostPath without nodeAffinity may be on any node, so none is emptied: name its node, or empty it',
      }
    }
    default:
      return { do: 'keep' }
  }
}

/**
 * Whether a volume that is being deleted stops waiting for its folder to be removed: nobody asked for that (any policy but Delete), or
 * the node that has it was taken out of the cluster and will not say so.
 */
export function letsGoOfFolder({ metadata, spec, status }: PersistentVolume, isNodeGone: boolean): boolean {
  if (!metadata.deletionTimestamp || !metadata.finalizers?.includes(FOLDER_FINALIZER)) return false
  return spec.persistentVolumeReclaimPolicy !== 'Delete' || (isNodeGone && status.phase !== 'Bound')
}
