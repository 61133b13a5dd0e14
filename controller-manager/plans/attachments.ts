import type { AttachedVolume, PersistentVolume, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { VolumeAttachment } from '../../shared/openapi/generated/storage-v1.ts'
import { attachedNameOf, attachmentName, attachmentOfVolume, isForOneNode, volumeOfAttachedName } from '../../shared/volumes/attachments.ts'

/** How long a node that is not ready may still say that it uses what nobody there needs; then it is believed dead (upstream's figure). */
const UNMOUNT_MILLISECONDS = 6 * 60_000

/** A volume that pods of a node need. */
export interface NeededVolume {
  /** Its VolumeAttachment's name on that node. */
  name: string
  volume: PersistentVolume
  pods: readonly Pod[]
}

/** What is known of a node and its volumes. */
export interface NodeVolumes {
  nodeName: string
  /** There is a Node of that name. */
  exists: boolean
  isReady: boolean
  /** Somebody who knows says that the machine is off. */
  isOutOfService: boolean
  volumesInUse: readonly string[]
  volumesAttached: readonly AttachedVolume[]
  needed: readonly NeededVolume[]
  /** Of this node. */
  attachments: readonly VolumeAttachment[]
  /** Undefined: there is none of that name any more. */
  volumeNamed(name: string): PersistentVolume | undefined
  /** Other nodes that have an attachment of the volume, or are given one. */
  holders(volume: PersistentVolume): readonly string[]
  /** For how many milliseconds nobody has needed this attachment. */
  unneededFor(attachment: string): number
}

export interface AttachmentPlan {
  attach: NeededVolume[]
  /** Refused: another node has it, and one at a time may. */
  refused: { needed: NeededVolume; holders: readonly string[] }[]
  detach: VolumeAttachment[]
  /** Nobody needs them, but the node has not let go. */
  awaited: VolumeAttachment[]
  /** When time alone changes the plan. */
  againMilliseconds?: number
  /** What the node's status is to say, before anything is detached. */
  volumesAttached: AttachedVolume[]
}

/**
 * What a node's volumes come to. Detached is what no pod needs and the node does not use: a disk that is taken from under a file system loses data. A
 * node that is not ready is waited for six minutes, one that is out of service not at all, one that is gone uses nothing. Pure; upstream's rules.
 */
export function planAttachments(seen: NodeVolumes): AttachmentPlan {
  const plan: AttachmentPlan = { attach: [], refused: [], detach: [], awaited: [], volumesAttached: [] }
  const existing = new Set(seen.attachments.map(({ metadata }) => metadata.name ?? ''))
  const needed = new Set(seen.needed.map(({ name }) => name))
  const inUse = new Set(seen.exists ? seen.volumesInUse.flatMap((name) => attachmentOf(name, seen.nodeName)) : [])

  for (const one of seen.needed) {
    if (!seen.exists || existing.has(one.name)) continue
    const holders = isForOneNode(one.volume) ? seen.holders(one.volume) : []
    if (holders.length > 0) plan.refused.push({ needed: one, holders })
    else plan.attach.push(one)
  }

  const detached = new Set<string>()
  for (const attachment of seen.attachments) {
    const { name = '', deletionTimestamp } = attachment.metadata
    // What is deleted already is its attacher's to take away.
    if (deletionTimestamp) detached.add(name)
    if (deletionTimestamp || needed.has(name) || !isOurs(attachment, seen)) continue
    const left = seen.isReady ? Number.POSITIVE_INFINITY : UNMOUNT_MILLISECONDS - seen.unneededFor(name)
    if (inUse.has(name) && !seen.isOutOfService && left > 0) {
      plan.awaited.push(attachment)
      if (Number.isFinite(left)) plan.againMilliseconds = Math.min(plan.againMilliseconds ?? left, left)
    } else {
      plan.detach.push(attachment)
      detached.add(name)
    }
  }
  plan.volumesAttached = attachedOf(seen, detached)
  return plan
}

/** Attachments with names of their own are somebody else's, who also takes them away. */
function isOurs({ metadata: { name = '' }, spec }: VolumeAttachment, { nodeName, volumeNamed }: NodeVolumes): boolean {
  const volume = spec.source.persistentVolumeName === undefined ? undefined : volumeNamed(spec.source.persistentVolumeName)
  if (volume?.spec.csi) return name === attachmentOfVolume(volume, nodeName)
  return spec.source.persistentVolumeName !== undefined && /^csi-[0-9a-f]{64}$/.test(name)
}

function attachmentOf(name: string, nodeName: string): string[] {
  const volume = volumeOfAttachedName(name)
  return volume ? [attachmentName(volume, nodeName)] : []
}

/** What is attached and stays so, by name; what a volume that is gone was called the status itself remembers. */
function attachedOf({ attachments, nodeName, volumeNamed, volumesAttached }: NodeVolumes, detached: ReadonlySet<string>): AttachedVolume[] {
  const called = new Map(volumesAttached.flatMap((one) => attachmentOf(one.name, nodeName).map((name) => [name, one.name] as const)))
  const names = attachments.flatMap(({ metadata: { name = '' }, spec, status }) => {
    if (!status.attached || detached.has(name)) return []
    const volume = volumeNamed(spec.source.persistentVolumeName ?? '')
    return (volume && attachedNameOf(volume)) ?? called.get(name) ?? []
  })
  return [...new Set(names)].sort().map((name) => ({ name, devicePath: '' }))
}
