import { createHash } from 'node:crypto'
import type { PersistentVolume } from '../openapi/generated/core-v1.ts'
import type { CSIDriver } from '../openapi/generated/storage-v1.ts'

const PREFIX = 'kubernetes.io/csi/'

/** The name of the VolumeAttachment of a CSI volume and a node: who looks for it knows it without a list. Upstream's rule. */
export function attachmentName({ driver, handle }: { driver: string; handle: string }, nodeName: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${nodeName}`).digest('hex')}`
}

/** What a node's status calls a CSI volume (`volumesInUse`, `volumesAttached`). */
export function attachedVolumeName({ driver, handle }: { driver: string; handle: string }): string {
  return `${PREFIX}${driver}^${handle}`
}

/** The volume that a node's status calls so; undefined when it is no CSI driver's. */
export function volumeOfAttachedName(name: string): { driver: string; handle: string } | undefined {
  const end = name.indexOf('^')
  return name.startsWith(PREFIX) && end >= 0 ? { driver: name.slice(PREFIX.length, end), handle: name.slice(end + 1) } : undefined
}

/** Whether a driver's persistent volumes are attached to a node first: those who say nothing have them attached (storage/v1 CSIDriverSpec). */
export function requiresAttachment(settings: Pick<CSIDriver, 'spec'> | undefined): boolean {
  return settings?.spec.attachRequired ?? true
}

/** What a node's status calls the volume: the same for all PersistentVolumes that stand for one volume of a driver. Undefined: it is no CSI driver's. */
export function attachedNameOf({ spec: { csi } }: PersistentVolume): string | undefined {
  return csi && attachedVolumeName({ driver: csi.driver, handle: csi.volumeHandle })
}

/** The volume's attachment on that node. */
export function attachmentOfVolume({ spec: { csi } }: PersistentVolume, nodeName: string): string | undefined {
  return csi && attachmentName({ driver: csi.driver, handle: csi.volumeHandle }, nodeName)
}

/** Whether a driver's attachment may be on one node at a time: no mode of the volume says that several have it. Upstream's rule. */
export function isForOneNode({ spec }: PersistentVolume): boolean {
  const modes = spec.accessModes ?? []
  return modes.length > 0 && !modes.includes('ReadWriteMany') && !modes.includes('ReadOnlyMany')
}
