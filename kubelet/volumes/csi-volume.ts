import { createHash } from 'node:crypto'
import type { PersistentVolume, Pod, SecretReference, Volume } from '../../shared/openapi/generated/core-v1.ts'
import type { CSIDriver } from '../../shared/openapi/generated/storage-v1.ts'
import { requiresAttachment } from '../../shared/volumes/attachments.ts'
import type { CsiAccessMode, NodeCapability, VolumeCapability } from '../csi/csi-messages.ts'
import { VolumeError } from './volume.ts'

/** A volume of a CSI driver, whether a PersistentVolume or written in a pod. */
export interface CsiVolume {
  driver: string
  /** The driver's own name of it. */
  handle: string
  /** Names its folder in the pod: the PersistentVolume, or the pod's volume. */
  specName: string
  /** `Ephemeral`: written in the pod, made and removed with it. */
  lifecycle: 'Persistent' | 'Ephemeral'
  readOnly: boolean
  /** A device, which pods get as one. */
  isBlock: boolean
  fsType: string
  attributes: Readonly<Record<string, string>>
  accessModes: readonly string[]
  mountOptions: readonly string[]
  stageSecret?: SecretReference | undefined
  publishSecret?: SecretReference | undefined
  expandSecret?: SecretReference | undefined
}

export function csiVolumeOfPersistent({ metadata, spec }: PersistentVolume, isReadOnly: boolean): CsiVolume | undefined {
  const { csi } = spec
  if (!csi) return undefined
  return {
    ...{ driver: csi.driver, handle: csi.volumeHandle, specName: metadata.name ?? '', lifecycle: 'Persistent' },
    ...{ readOnly: isReadOnly || (csi.readOnly ?? false), fsType: csi.fsType ?? '', attributes: csi.volumeAttributes ?? {} },
    ...{ accessModes: spec.accessModes ?? [], mountOptions: spec.mountOptions ?? [], isBlock: spec.volumeMode === 'Block' },
    ...{ stageSecret: csi.nodeStageSecretRef, publishSecret: csi.nodePublishSecretRef, expandSecret: csi.nodeExpandSecretRef },
  }
}

export function csiVolumeOfPod(pod: Pod, { name, csi }: Volume): CsiVolume | undefined {
  if (!csi) return undefined
  const { namespace = '', uid = '' } = pod.metadata
  const secret = csi.nodePublishSecretRef
  return {
    // Upstream's rule; the driver makes what it names.
    handle: `csi-${createHash('sha256').update(`${uid}${name}`).digest('hex')}`,
    ...{ driver: csi.driver, specName: name, lifecycle: 'Ephemeral', readOnly: csi.readOnly ?? false, fsType: csi.fsType ?? '' },
    ...{ attributes: csi.volumeAttributes ?? {}, accessModes: ['ReadWriteOnce'], mountOptions: [], isBlock: false },
    publishSecret: secret && { name: secret.name, namespace },
  }
}

/** @throws VolumeError when the driver's CSIDriver does not allow such a volume; without one only persistent ones are. Upstream's words */
export function checkLifecycle({ driver, lifecycle }: CsiVolume, settings: CSIDriver | undefined): void {
  const modes = settings?.spec.volumeLifecycleModes ?? ['Persistent']
  if (!modes.includes(lifecycle))
    throw new VolumeError(`volume mode "${lifecycle}" not supported by driver ${driver} (only supports ${JSON.stringify(modes)})`)
}

/** Drivers that say nothing have their volumes attached first (storage/v1 CSIDriverSpec). */
export function needsAttachment({ lifecycle }: CsiVolume, settings: CSIDriver | undefined): boolean {
  return lifecycle === 'Persistent' && requiresAttachment(settings)
}

/** How the volume is asked for. Pure. @param group the pod's, when the driver is to give the files to it */
export function capabilityOf(
  { fsType, mountOptions, accessModes, isBlock }: CsiVolume,
  capabilities: ReadonlySet<NodeCapability>,
  group: number | undefined,
): VolumeCapability {
  const single = capabilities.has('SINGLE_NODE_MULTI_WRITER')
  const modes: Readonly<Record<string, CsiAccessMode>> = {
    ReadWriteOnce: single ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER',
    ReadWriteOncePod: single ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER',
    ReadOnlyMany: 'MULTI_NODE_READER_ONLY',
    ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
  }
  const accessMode = { mode: modes[accessModes[0] ?? 'ReadWriteOnce'] ?? 'UNKNOWN' }
  if (isBlock) return { block: {}, accessMode }
  return { mount: { fsType, mountFlags: mountOptions, volumeMountGroup: group === undefined ? '' : String(group) }, accessMode }
}

/** Whether the kubelet gives the files to the pod's group (storage/v1 CSIDriverSpec, `fsGroupPolicy`). Pure. */
export function isGivenToGroup({ readOnly, isBlock, fsType, accessModes }: CsiVolume, settings: CSIDriver | undefined): boolean {
  const policy = settings?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType'
  if (readOnly || isBlock || policy === 'None') return false
  return policy === 'File' || (fsType !== '' && accessModes.includes('ReadWriteOnce'))
}

/** What a driver with `podInfoOnMount` is told of the pod. Pure. */
export function podInfo({ metadata, spec }: Pod, { lifecycle }: CsiVolume): Record<string, string> {
  return {
    'csi.storage.k8s.io/pod.name': metadata.name ?? '',
    'csi.storage.k8s.io/pod.namespace': metadata.namespace ?? '',
    'csi.storage.k8s.io/pod.uid': metadata.uid ?? '',
    'csi.storage.k8s.io/serviceAccount.name': spec.serviceAccountName || 'default',
    'csi.storage.k8s.io/ephemeral': String(lifecycle === 'Ephemeral'),
  }
}
