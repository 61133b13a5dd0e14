import { defineController } from '../../shared/controller/define-controller.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { begun, grown, handedOver } from '../../shared/volumes/growth.ts'
import { isBoundTo } from '../../shared/volumes/matching.ts'
import { planGrowth } from '../plans/claim-growth.ts'

/**
 * Grows the volumes of claims that ask for more: first the claim says what it will get, then the volume says its new size, then the claim has it, or waits
 * for its node. Whoever dies in between leaves a claim that says what was begun.
 */
export default defineController({
  name: 'persistentvolume-expander',
  serviceAccount: 'expand-controller',
  reconciles: ['v1', 'PersistentVolumeClaim'],
  create({ informers, client, events, clock, signal }) {
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const volumes = informers.of('v1', 'PersistentVolume')

    return {
      async reconcile(key) {
        const claim = claims.cache.get(key)
        if (claim?.status.phase !== 'Bound' || claim.metadata.deletionTimestamp) return
        const volume = volumes.cache.get(claim.spec.volumeName ?? '')
        if (!volume || !isBoundTo(volume, claim)) return
        const plan = planGrowth(claim, volume)
        if (plan.step === 'elsewhere')
          events.record(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC')
        if (plan.step !== 'grow') return
        const { size, isVolumeSmaller, needsNode } = plan
        const marked = await say(claim, begun(claim.status, size, clock.now()))
        if (isVolumeSmaller) {
          const body = { metadata: { uid: volume.metadata.uid }, spec: { capacity: { storage: size } } }
          await client.patch('v1', 'PersistentVolume', { name: volume.metadata.name ?? '' }, { type: 'merge', body }, { signal })
        }
        if (needsNode) {
          await say(marked, handedOver(marked.status, size, clock.now()))
          const message = 'Require file system resize of volume on node'
          return events.record(claim, 'Normal', 'FileSystemResizeRequired', message)
        }
        await say(marked, grown(marked.status, size))
        events.record(claim, 'Normal', 'VolumeResizeSuccessful', `ExpandVolume succeeded for volume ${key}`)
      },
    }

    /** On top of what was read only: a claim that changed meanwhile is looked at again. */
    async function say(claim: PersistentVolumeClaim, status: PersistentVolumeClaim['status']): Promise<PersistentVolumeClaim> {
      return sameJson(status, claim.status)
        ? claim
        : await client.updateStatus('v1', 'PersistentVolumeClaim', { ...claim, status }, { signal })
    }
  },
})
