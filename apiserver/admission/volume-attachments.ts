import { conflict } from '../../shared/errors/status-error.ts'
import type { PersistentVolume } from '../../shared/openapi/generated/core-v1.ts'
import type { VolumeAttachment } from '../../shared/openapi/generated/storage-v1.ts'
import { attachedNameOf, attachmentOfVolume, isForOneNode } from '../../shared/volumes/attachments.ts'
import { asKind } from '../registry/as-kind.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { ClaimIndex } from './claim-index.ts'
import { exclusiveClaim } from './exclusive-claim.ts'

interface Wanted {
  attachment: VolumeAttachment
  /** What nodes call the volume, whichever PersistentVolume stands for it. */
  called: string
}

/**
 * A volume that is for one node at a time gets one attachment of the attach-detach controller: it decides by what it has seen, and two leaders at once have
 * not seen each other. Upstream trusts that there is one leader. Attachments with names of their own are their makers' business. Two servers over one etcd
 * may still be asked in the same moment: a claim in the transaction is made of the object alone, which does not say what the volume is called.
 */
export function volumeAttachments(): AdmissionRule {
  /** Nodes that writes on their way give a volume to. */
  const coming = new ClaimIndex()
  return exclusiveClaim<Wanted>({
    name: 'VolumeAttachmentToOneNode',
    wanted,
    check({ attachment, called }, { context }) {
      const { nodeName } = attachment.spec
      const others = [...coming.holders(called), ...holdersOf(called, attachment, context.reader)]
      const holder = others.find((other) => other !== nodeName)
      if (holder === undefined) return
      const why = `the volume is for one node at a time, and node ${JSON.stringify(holder)} has it; delete that attachment first`
      throw conflict({ group: 'storage.k8s.io', resource: 'volumeattachments' }, attachment.metadata.name ?? '', why)
    },
    take({ attachment, called }) {
      coming.add(called, attachment.spec.nodeName)
      return () => coming.remove(called, attachment.spec.nodeName)
    },
  })
}

function wanted({ operation, object, context }: AdmissionRequest): Wanted | undefined {
  const attachment = operation === 'CREATE' ? asKind(object, 'storage.k8s.io/v1', 'VolumeAttachment') : undefined
  const volume = attachment && volumeOf(attachment, context.reader)
  const called = volume && attachedNameOf(volume)
  if (!volume || called === undefined || !isForOneNode(volume)) return undefined
  return attachment.metadata.name === attachmentOfVolume(volume, attachment.spec.nodeName) ? { attachment, called } : undefined
}

function* holdersOf(called: string, { spec: { attacher } }: VolumeAttachment, reader: ObjectReader): Generator<string> {
  for (const other of reader.list('storage.k8s.io/v1', 'VolumeAttachment')) {
    if (other.spec.attacher !== attacher) continue
    const volume = volumeOf(other, reader)
    if (volume && attachedNameOf(volume) === called && other.metadata.name === attachmentOfVolume(volume, other.spec.nodeName))
      yield other.spec.nodeName
  }
}

function volumeOf({ spec: { source } }: VolumeAttachment, reader: ObjectReader): PersistentVolume | undefined {
  return source.persistentVolumeName === undefined ? undefined : reader.get('v1', 'PersistentVolume', { name: source.persistentVolumeName })
}
