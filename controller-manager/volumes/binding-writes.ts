import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { boundClaim, boundVolume } from '../../shared/volumes/binding.ts'

type Tools = Pick<ControllerTools, 'client' | 'signal'>

/**
 * Binds the two, or finishes a binding that was begun: volume first, so that no two claims can have it (each write holds only on what was
 * read). Whoever dies in between leaves a half that the next reconcile of the claim goes on with.
 */
export async function bindBoth(found: PersistentVolume, claim: PersistentVolumeClaim, { client, signal }: Tools): Promise<void> {
  const next = boundVolume(found, claim)
  let volume: PersistentVolume = next ? await client.update('v1', 'PersistentVolume', next, { signal }) : found
  volume = await writePhase(volume, { phase: 'Bound' }, { client, signal })
  const named = boundClaim(claim, volume)
  const current: PersistentVolumeClaim = named ? await client.update('v1', 'PersistentVolumeClaim', named, { signal }) : claim
  // What is bound already keeps its size: growing it is the expander's work.
  const capacity = current.status.phase === 'Bound' && current.status.capacity ? current.status.capacity : volume.spec.capacity
  await writeClaimStatus(current, { phase: 'Bound', accessModes: volume.spec.accessModes, capacity }, { client, signal })
}

/** Writes the phase of a volume, where it is another or says something else. */
export async function writePhase(
  volume: PersistentVolume,
  { phase, reason, message }: { phase: string; reason?: string; message?: string },
  { client, signal }: Tools,
): Promise<PersistentVolume> {
  const { status } = volume
  if (status.phase === phase && (status.message ?? '') === (message ?? '') && (status.reason ?? '') === (reason ?? '')) return volume
  const { lastPhaseTransitionTime } = status
  const next = { ...volume, status: { phase, reason, message, lastPhaseTransitionTime } }
  return await client.updateStatus('v1', 'PersistentVolume', next, { signal })
}

/** Writes what is said of a claim, where it says something else. */
export async function writeClaimStatus(
  claim: PersistentVolumeClaim,
  change: Partial<PersistentVolumeClaim['status']>,
  { client, signal }: Tools,
): Promise<void> {
  const status = { ...claim.status, ...change }
  if (sameJson(status, claim.status)) return
  await client.updateStatus('v1', 'PersistentVolumeClaim', { ...claim, status }, { signal })
}
