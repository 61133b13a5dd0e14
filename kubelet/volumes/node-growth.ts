import type { Client } from '../../shared/client/client.ts'
import type { EventRecorder } from '../../shared/client/event-recorder.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { atNode, grown, isNodeAwaited } from '../../shared/volumes/growth.ts'
import { VolumeError } from './volume.ts'

/** Where a volume is on this node. */
export interface VolumePlace {
  volume: PersistentVolume
  /** The volume's own folder in the pod's. */
  directory: string
  /** What containers get: the folder with its files, or the device. */
  hostPath: string
}

/** The node's part of growing a kind of volume: its storage has grown, and its file system has not. Kinds without one need nothing here. */
export interface NodeGrowth {
  supports(volume: PersistentVolume): boolean
  /** Makes the file system as large as its device. Idempotent. @throws InfeasibleGrowth when it never will, any other error to be asked again */
  grow(place: VolumePlace, signal: AbortSignal): Promise<void>
}

/** The node cannot, and would not the next time either: less must be asked for. */
export class InfeasibleGrowth extends VolumeError {}

export interface NodeGrowthTools {
  client: Client
  events: EventRecorder
  growths: readonly NodeGrowth[]
}

/** Does the node's part, if the claim waits for it, and says so on the claim. A failure is told in events and tried again the next time. */
export async function growOnNode(
  pod: Pod,
  claim: PersistentVolumeClaim,
  place: VolumePlace,
  { client, events, growths }: NodeGrowthTools,
  signal: AbortSignal,
): Promise<void> {
  if (!isNodeAwaited(claim.status)) return
  const say = (status: PersistentVolumeClaim['status'], on = claim) =>
    client.updateStatus('v1', 'PersistentVolumeClaim', { ...on, status }, { signal })
  const tell = (type: 'Normal' | 'Warning', reason: string, message: string) => {
    for (const about of [pod, claim]) events.record(about, type, reason, message)
  }
  const { name = '' } = place.volume.metadata
  const size = claim.status.allocatedResources?.['storage'] ?? place.volume.spec.capacity?.['storage'] ?? '0'
  const marked = await say(atNode(claim.status, 'NodeResizeInProgress'))
  try {
    await growths.find((each) => each.supports(place.volume))?.grow(place, signal)
  } catch (error) {
    signal.throwIfAborted()
    const why = error instanceof Error ? error.message : String(error)
    tell('Warning', 'VolumeResizeFailed', `NodeExpandVolume failed for volume ${JSON.stringify(name)} : ${why}`)
    if (error instanceof InfeasibleGrowth) await say(atNode(marked.status, 'NodeResizeInfeasible'), marked)
    return
  }
  await say(grown(marked.status, size), marked)
  tell('Normal', 'FileSystemResizeSuccessful', `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(name)}`)
}
