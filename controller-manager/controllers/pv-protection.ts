import { defineController } from '../../shared/controller/define-controller.ts'

const FINALIZER = 'kubernetes.io/pv-protection'

/** Lets a deleted volume go once it is bound to no claim. */
export default defineController({
  name: 'pv-protection',
  reconciles: ['v1', 'PersistentVolume'],
  create({ informers, client, signal }) {
    const volumes = informers.of('v1', 'PersistentVolume')
    return {
      async reconcile(key) {
        const volume = volumes.cache.get(key)
        if (!volume) return
        const { metadata, status } = volume
        const finalizers = metadata.finalizers ?? []
        const isHeld = finalizers.includes(FINALIZER)
        const isFree = metadata.deletionTimestamp !== undefined && status.phase !== 'Bound'
        if (metadata.deletionTimestamp ? !isHeld || !isFree : isHeld) return
        const next = isHeld ? finalizers.filter((each) => each !== FINALIZER) : [...finalizers, FINALIZER]
        await client.update('v1', 'PersistentVolume', { ...volume, metadata: { ...metadata, finalizers: next } }, { signal })
      },
    }
  },
})
