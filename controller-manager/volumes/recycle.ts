import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { PersistentVolume, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isOwned, planRecycler, RECYCLER_NAMESPACE, recyclerPod } from '../plans/volume-recycler.ts'
import { writePhase } from './binding-writes.ts'

type Tools = Pick<ControllerTools, 'client' | 'events' | 'signal'>

/**
 * The next step of emptying a volume whose claim is gone; true: it is empty. The recycler's own changes bring the volume back here. It goes only when the
 * volume is free (`removeRecycler`): as long as it is there, nobody who sees an older state makes a second one, which would empty the next claim's data.
 */
export async function recycle(volume: PersistentVolume, pod: Pod | undefined, tools: Tools): Promise<boolean> {
  const { client, events, signal } = tools
  const next = planRecycler(volume, pod)
  if (next.step === 'failed') {
    if (volume.status.phase !== 'Failed') events.record(volume, 'Warning', 'VolumeFailedRecycle', next.message)
    await writePhase(volume, { phase: 'Failed', message: next.message }, tools)
    return false
  }
  const current = await writePhase(volume, { phase: 'Released' }, tools)
  if (next.step === 'start') {
    // Refused as a conflict where what is known of the volume is not so any more: it may be free, or another claim's, by now.
    await client.update('v1', 'PersistentVolume', current, { signal })
    try {
      const { metadata } = await client.create('v1', 'Pod', recyclerPod(volume), { signal })
      events.record(volume, 'Normal', 'RecyclerPod', `Recycler pod: ${metadata.namespace}/${metadata.name} empties the volume`)
    } catch (error) {
      // Made by the one before us, who died before the cache showed it.
      if (!hasReason(error, 'AlreadyExists')) throw error
    }
  }
  if (next.step === 'remove') await removeRecycler(volume, pod, tools)
  if (next.step !== 'done') return false
  events.record(volume, 'Normal', 'VolumeRecycled', 'Volume recycled')
  return true
}

/** Takes away a recycler that has nothing to do any more. */
export async function removeRecycler({ metadata }: PersistentVolume, pod: Pod | undefined, { client, signal }: Tools): Promise<void> {
  if (!pod || pod.metadata.deletionTimestamp || !isOwned(pod, metadata.uid)) return
  const { name = '', uid } = pod.metadata
  try {
    await client.delete('v1', 'Pod', { namespace: RECYCLER_NAMESPACE, name }, { preconditions: { uid }, signal })
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
  }
}
