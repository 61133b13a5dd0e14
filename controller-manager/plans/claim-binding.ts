import type { PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import type { StorageClass } from '../../shared/openapi/generated/storage-v1.ts'
import { BIND_COMPLETED, NO_PROVISIONER, SELECTED_NODE } from '../../shared/volumes/annotations.ts'
import { bestVolume, isBoundTo, misfit } from '../../shared/volumes/matching.ts'
import { storageClassOf } from '../../shared/volumes/storage-class.ts'

/** What people are told of a claim. */
export interface Notice {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
}

/** The next step for a claim. */
export type ClaimStep =
  | { readonly step: 'bind'; readonly volume: PersistentVolume }
  | { readonly step: 'provision'; readonly storageClass: StorageClass }
  | { readonly step: 'wait'; readonly notice?: Notice | undefined }
  | { readonly step: 'lost'; readonly notice: Notice }

/** What the plan looks at besides the claim. */
export interface ClaimView {
  readonly volumes: readonly PersistentVolume[]
  readonly classes: readonly StorageClass[]
  /** Names of unfinished pods that use the claim and have no node yet. */
  readonly waitingPods: readonly string[]
}

const warning = (reason: string, message: string): Notice => ({ type: 'Warning', reason, message })
const normal = (reason: string, message: string): Notice => ({ type: 'Normal', reason, message })

/** What to do about a claim. Pure; the order of questions is that of upstream's binder. */
export function planClaim(claim: PersistentVolumeClaim, view: ClaimView): ClaimStep {
  return claim.metadata.annotations?.[BIND_COMPLETED] === undefined ? planUnbound(claim, view) : planBound(claim, view)
}

function planBound(claim: PersistentVolumeClaim, { volumes }: ClaimView): ClaimStep {
  const { volumeName } = claim.spec
  const lost = (reason: string, message: string): ClaimStep => ({ step: 'lost', notice: warning(reason, message) })
  if (!volumeName) return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = volumes.find(({ metadata }) => metadata.name === volumeName)
  if (!volume) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  if (volume.spec.claimRef && !isBoundTo(volume, claim))
    return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
  return { step: 'bind', volume }
}

function planUnbound(claim: PersistentVolumeClaim, view: ClaimView): ClaimStep {
  const { volumeName } = claim.spec
  return volumeName ? planNamed(claim, volumeName, view) : planFree(claim, view)
}

/** A person, or a half-done binding, has named the volume. */
function planNamed(claim: PersistentVolumeClaim, name: string, { volumes }: ClaimView): ClaimStep {
  const volume = volumes.find(({ metadata }) => metadata.name === name)
  if (!volume) return { step: 'wait' }
  if (volume.spec.claimRef) {
    if (isBoundTo(volume, claim)) return { step: 'bind', volume }
    return { step: 'wait', notice: warning('FailedBinding', `volume ${JSON.stringify(name)} already bound to a different claim.`) }
  }
  const why = misfit(volume, claim)
  if (why === undefined) return { step: 'bind', volume }
  return { step: 'wait', notice: warning('VolumeMismatch', `Cannot bind to requested volume ${JSON.stringify(name)}: ${why}`) }
}

function planFree(claim: PersistentVolumeClaim, { volumes, classes, waitingPods }: ClaimView): ClaimStep {
  const className = storageClassOf(claim)
  const storageClass = classes.find(({ metadata }) => metadata.name === className)
  const isDelayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && claim.metadata.annotations?.[SELECTED_NODE] === undefined
  const volume = bestVolume(claim, volumes, { isDelayed })
  if (volume) return { step: 'bind', volume }
  if (isDelayed) return { step: 'wait', notice: consumerNotice(waitingPods) }
  if (className === '') {
    const why = 'no persistent volumes available for this claim and no storage class is set'
    return { step: 'wait', notice: normal('FailedBinding', why) }
  }
  if (!storageClass) {
    return { step: 'wait', notice: warning('ProvisioningFailed', `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`) }
  }
  if (storageClass.provisioner === NO_PROVISIONER) {
    const why = 'no volume plugin matched name: kubernetes.io/no-provisioner'
    return { step: 'wait', notice: warning('ProvisioningFailed', why) }
  }
  return { step: 'provision', storageClass }
}

function consumerNotice(pods: readonly string[]): Notice {
  if (pods.length === 0) return normal('WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  const names = pods.length === 1 ? `pod ${pods[0]}` : `pods ${[...pods].sort().join(',')}`
  return normal('WaitForPodScheduled', `waiting for ${names} to be scheduled`)
}
