import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { PersistentVolume, Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { VolumeAttachment } from '../../shared/openapi/generated/storage-v1.ts'
import { attachedNameOf } from '../../shared/volumes/attachments.ts'
import type { NeededVolume } from '../plans/attachments.ts'

const FAILED = 'FailedAttachVolume'

/** What pods are told of their volumes' attachments, in upstream's words, each thing once while it lasts. */
export interface AttachmentNews {
  /** @param added names of volumes (`volumesAttached`) that the node's status does not have yet */
  tellOutcomes(needed: readonly NeededVolume[], attachments: readonly VolumeAttachment[], added: ReadonlySet<string>): void
  tellFailure(volume: PersistentVolume, pods: readonly Pod[], why: string): void
  /** @param users pods that need it on other nodes */
  tellRefused(needed: NeededVolume, users: readonly Pod[]): void
  /** A refusal of this node that does not last any more is told anew when it comes back. */
  keepRefusals(nodeName: string, lasting: ReadonlySet<string>): void
  forget(attachment: string): void
}

export function attachmentNews(events: EventRecorder): AttachmentNews {
  /** When the error was, by attachment. */
  const errorsTold = new Map<string, string>()
  /** Attachment and the pods that know, by node. */
  const refusalsTold = new Map<string, Map<string, Set<string>>>()

  const tellFailure = (volume: PersistentVolume, pods: readonly Pod[], why: string) => {
    for (const pod of pods) events.record(pod, 'Warning', FAILED, `AttachVolume.Attach failed for ${quoted(volume)} : ${why}`)
  }

  return {
    tellFailure,
    tellOutcomes(needed, attachments, added) {
      const byName = new Map(attachments.map((one) => [one.metadata.name ?? '', one]))
      for (const { name, volume, pods } of needed) {
        const { attachError } = byName.get(name)?.status ?? {}
        if (added.has(attachedNameOf(volume) ?? '')) {
          for (const pod of pods)
            events.record(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for ${quoted(volume)} `)
        }
        const told = `${attachError?.time} ${attachError?.message}`
        if (!attachError) errorsTold.delete(name)
        else if (errorsTold.get(name) !== told) {
          errorsTold.set(name, told)
          tellFailure(volume, pods, attachError.message ?? '')
        }
      }
    },
    tellRefused({ name, volume, pods }, users) {
      const nodeName = pods[0]?.spec.nodeName ?? ''
      const refusals = refusalsTold.get(nodeName) ?? new Map<string, Set<string>>()
      refusalsTold.set(nodeName, refusals)
      const knowing = refusals.get(name) ?? new Set<string>()
      refusals.set(name, knowing)
      for (const pod of pods) {
        const { uid = '' } = pod.metadata
        if (knowing.has(uid)) continue
        knowing.add(uid)
        events.record(pod, 'Warning', FAILED, `Multi-Attach error for ${quoted(volume)} ${whoHasIt(pod, users)}`)
      }
    },
    keepRefusals(nodeName, lasting) {
      const refusals = refusalsTold.get(nodeName)
      for (const name of refusals?.keys() ?? []) if (!lasting.has(name)) refusals?.delete(name)
      if (refusals?.size === 0) refusalsTold.delete(nodeName)
    },
    forget(attachment) {
      errorsTold.delete(attachment)
    },
  }
}

function quoted({ metadata }: PersistentVolume): string {
  return `volume ${JSON.stringify(metadata.name)}`
}

/** Pods of other namespaces are counted, not named: they are none of this one's business. */
function whoHasIt({ metadata }: Pod, users: readonly Pod[]): string {
  if (users.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another"
  const near = users.flatMap((user) => (user.metadata.namespace === metadata.namespace ? (user.metadata.name ?? '') : []))
  const far = users.length - near.length
  if (near.length === 0) return `Volume is already used by ${far} pod(s) in different namespaces`
  return `Volume is already used by pod(s) ${near.join(', ')}${far > 0 ? ` and ${far} pod(s) in different namespaces` : ''}`
}
