import { objectKey } from '../shared/objects/object.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../shared/openapi/generated/core-v1.ts'
import type { CSINode, StorageClass } from '../shared/openapi/generated/storage-v1.ts'
import { FOLDERS_OF_NODE, NO_PROVISIONER, NODE_FOLDER, SELECTED_NODE } from '../shared/volumes/annotations.ts'
import { isFullyBound } from '../shared/volumes/binding.ts'
import { bestVolume, isBoundTo, requestOf } from '../shared/volumes/matching.ts'
import { claimKeysOf, claimsOfPod, isClaimOfPod } from '../shared/volumes/pod-claims.ts'
import { storageClassOf } from '../shared/volumes/storage-class.ts'
import type { VolumeKind } from './cluster-change.ts'
import { StorageRoom } from './storage-room.ts'

/** What the claims of one pod come to, before a node is looked at. */
export interface ClaimsOfPod {
  /** Volumes of the claims that have one. */
  readonly bound: readonly PersistentVolume[]
  /** Claims that wait for this decision, those that ask for least first. */
  readonly delayed: readonly PersistentVolumeClaim[]
}

/** What has to be written before the pod can be bound to its node. */
export interface VolumeChoice {
  readonly promises: readonly { readonly claim: PersistentVolumeClaim; readonly volume: PersistentVolume }[]
  /** Claims whose volumes are to be made for the node. */
  readonly provisions: readonly PersistentVolumeClaim[]
}

const NOTHING_FREE = "node(s) didn't find available persistent volumes to bind"
const NO_ROOM = 'node(s) did not have enough free storage'

/** Claims, volumes and classes as the scheduler sees them, and the volumes that it has promised and not seen bound yet. */
export class VolumeState {
  readonly claims = new Map<string, PersistentVolumeClaim>()
  readonly volumes = new Map<string, PersistentVolume>()
  readonly classes = new Map<string, StorageClass>()
  readonly csiNodes = new Map<string, CSINode>()
  readonly room = new StorageRoom()
  /** Volume → uid of the claim. */
  readonly #promised = new Map<string, string>()
  #waiting: (() => void)[] = []

  /** Calls back at the next change of anything here, once. */
  onNextChange(listener: () => void): void {
    this.#waiting.push(listener)
  }

  changed(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const listener of waiting) listener()
  }

  /** The claims of a pod, or why it cannot go anywhere: upstream's sentences. */
  claimsOf(pod: Pod): ClaimsOfPod | string {
    const bound: PersistentVolume[] = []
    const delayed: PersistentVolumeClaim[] = []
    for (const { claimName, isEphemeral } of claimsOfPod(pod)) {
      const claim = this.claims.get(`${pod.metadata.namespace ?? ''}/${claimName}`)
      const quoted = JSON.stringify(claimName)
      if (!claim) {
        if (isEphemeral) return `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`
        return `persistentvolumeclaim ${quoted} not found`
      }
      if (isEphemeral && !isClaimOfPod(claim, pod))
        return `PVC ${objectKey(claim)} was not created for pod ${objectKey(pod)} (pod is not owner)`
      if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim ${quoted} is being deleted`
      if (claim.status.phase === 'Lost')
        return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${JSON.stringify(claim.spec.volumeName ?? '')}`
      if (isFullyBound(claim)) {
        const volume = this.volumes.get(claim.spec.volumeName ?? '')
        if (!volume) return `persistentvolume ${JSON.stringify(claim.spec.volumeName)} not found`
        bound.push(volume)
      } else if (claim.spec.volumeName || !this.#isDelayed(claim)) return 'pod has unbound immediate PersistentVolumeClaims'
      else delayed.push(claim)
    }
    return { bound, delayed: delayed.sort(byRequest) }
  }

  /** The volumes that the waiting claims would get on this node, or why one of them gets none: upstream's sentences. */
  choose(delayed: readonly PersistentVolumeClaim[], node: Node): VolumeChoice | string {
    const promises: { claim: PersistentVolumeClaim; volume: PersistentVolume }[] = []
    const provisions: PersistentVolumeClaim[] = []
    for (const claim of delayed) {
      const selected = claim.metadata.annotations?.[SELECTED_NODE]
      // Its volume is being made for that node already.
      if (selected !== undefined && selected !== node.metadata.name) return NOTHING_FREE
      const isTaken = (volume: PersistentVolume) => {
        const promised = this.#promised.get(volume.metadata.name ?? '')
        return (promised !== undefined && promised !== claim.metadata.uid) || promises.some((one) => one.volume === volume)
      }
      const volume = selected === undefined ? bestVolume(claim, this.volumes.values(), { node, isDelayed: true, isTaken }) : undefined
      if (volume) {
        promises.push({ claim, volume })
        continue
      }
      const storageClass = this.#provisioning(claim, node)
      if (!storageClass) return NOTHING_FREE
      if (!this.room.isFor(claim, storageClass, node)) return NO_ROOM
      provisions.push(claim)
    }
    return { promises, provisions }
  }

  /** Whether the claims of a pod may come to something else by this change. */
  concerns(pod: Pod, { kind, key }: { readonly kind: VolumeKind; readonly key: string }): boolean {
    if (kind === 'CSINode') return false
    return claimKeysOf(pod).some((claimKey) => {
      if (kind === 'PersistentVolumeClaim') return claimKey === key
      const claim = this.claims.get(claimKey)
      if (!claim) return false
      if (kind === 'StorageClass' || kind === 'CSIStorageCapacity') return storageClassOf(claim) === key
      if (kind === 'CSIDriver') return this.classes.get(storageClassOf(claim))?.provisioner === key
      if (claim.spec.volumeName) return claim.spec.volumeName === key
      const volume = this.volumes.get(key)
      return !volume || isBoundTo(volume, claim) || storageClassOf(volume) === storageClassOf(claim)
    })
  }

  /** Keeps the chosen volumes from others until the answer is known; the returned function gives them back. */
  promise({ promises }: VolumeChoice): () => void {
    for (const { claim, volume } of promises) this.#promised.set(volume.metadata.name ?? '', claim.metadata.uid ?? '')
    return () => {
      for (const { volume } of promises) this.#promised.delete(volume.metadata.name ?? '')
    }
  }

  #isDelayed(claim: PersistentVolumeClaim): boolean {
    return this.classes.get(storageClassOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer'
  }

  /** The class by which a volume can be made for the node. */
  #provisioning(claim: PersistentVolumeClaim, { metadata }: Node): StorageClass | undefined {
    const storageClass = this.classes.get(storageClassOf(claim))
    if (!storageClass?.provisioner || storageClass.provisioner === NO_PROVISIONER) return undefined
    if (storageClass.provisioner === NODE_FOLDER && metadata.annotations?.[FOLDERS_OF_NODE] === undefined) return undefined
    const terms = storageClass.allowedTopologies ?? []
    const holds = ({ key, values }: { key: string; values: readonly string[] }) => values.includes(metadata.labels?.[key] ?? '')
    const isAllowed = terms.length === 0 || terms.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(holds))
    return isAllowed ? storageClass : undefined
  }
}

function byRequest(left: PersistentVolumeClaim, right: PersistentVolumeClaim): number {
  const difference = requestOf(left).nano - requestOf(right).nano
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
