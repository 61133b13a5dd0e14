import { createHash } from 'node:crypto'

/** The name of the VolumeAttachment of a CSI volume and a node: who looks for it knows it without a list. Upstream's rule. */
export function attachmentName({ driver, handle }: { driver: string; handle: string }, nodeName: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${nodeName}`).digest('hex')}`
}

/** What a node's status calls a CSI volume (`volumesInUse`, `volumesAttached`). */
export function attachedVolumeName({ driver, handle }: { driver: string; handle: string }): string {
  return `kubernetes.io/csi/${driver}^${handle}`
}
