import { defineController } from '../../shared/controller/define-controller.ts'
import { compareQuantities, parseQuantity } from '../../shared/quantity/quantity.ts'
import { NODE_FOLDER, PROVISIONED_BY } from '../../shared/volumes/annotations.ts'
import { capacityOf, isBoundTo, requestOf } from '../../shared/volumes/matching.ts'

/** Grows the volumes of claims that ask for more: a folder's size is a number only; other volumes wait for whoever made them. */
export default defineController({
  name: 'persistentvolume-expander',
  serviceAccount: 'expand-controller',
  reconciles: ['v1', 'PersistentVolumeClaim'],
  create({ informers, client, events, signal }) {
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const volumes = informers.of('v1', 'PersistentVolume')

    return {
      async reconcile(key, { namespace, name }) {
        const claim = claims.cache.get(key)
        if (claim?.status.phase !== 'Bound' || claim.metadata.deletionTimestamp) return
        const wanted = claim.spec.resources.requests?.['storage'] ?? '0'
        if (compareQuantities(parseQuantity(claim.status.capacity?.['storage'] ?? '0'), parseQuantity(wanted)) >= 0) return
        const volume = volumes.cache.get(claim.spec.volumeName ?? '')
        if (!volume || !isBoundTo(volume, claim)) return
        if (volume.metadata.annotations?.[PROVISIONED_BY] !== NODE_FOLDER) {
          events.record(claim, 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC')
          return
        }
        if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) {
          const body = { metadata: { uid: volume.metadata.uid }, spec: { capacity: { storage: wanted } } }
          await client.patch('v1', 'PersistentVolume', { name: volume.metadata.name ?? '' }, { type: 'merge', body }, { signal })
        }
        const body = { metadata: { uid: claim.metadata.uid }, status: { capacity: { storage: wanted } } }
        await client.patch('v1', 'PersistentVolumeClaim', { namespace, name }, { type: 'merge', subresource: 'status', body }, { signal })
        events.record(claim, 'Normal', 'VolumeResizeSuccessful', `Resize volume ${volume.metadata.name} succeeded`)
      },
    }
  },
})
