import { defineController } from '../../shared/controller/define-controller.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'

const FINALIZER = 'kubernetes.io/vac-protection'
const CLASS = ['storage.k8s.io/v1', 'VolumeAttributesClass'] as const

/** Lets a deleted class of attributes go once no claim and no volume names it. */
export default defineController({
  name: 'volumeattributesclass-protection',
  reconciles: [...CLASS],
  create({ informers, client, signal }) {
    const classes = informers.of(...CLASS)
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const volumes = informers.of('v1', 'PersistentVolume')

    return {
      watch(enqueue) {
        const freed = (_key: string, current: PersistentVolumeClaim | PersistentVolume | undefined, previous: typeof current) => {
          const gone = new Set(previous ? namesOf(previous) : [])
          for (const name of current ? namesOf(current) : []) gone.delete(name)
          for (const name of gone) enqueue(name)
        }
        claims.onChange(freed)
        volumes.onChange(freed)
      },

      async reconcile(name) {
        const found = classes.cache.get(name)
        if (!found) return
        const { metadata } = found
        const finalizers = metadata.finalizers ?? []
        const isHeld = finalizers.includes(FINALIZER)
        const isGoing = metadata.deletionTimestamp !== undefined
        // Held while it lives; let go when it is going and nobody names it.
        if (isHeld !== isGoing) return
        if (isGoing && [...claims.cache.list(), ...volumes.cache.list()].some((each) => namesOf(each).includes(name))) return
        const next = isGoing ? finalizers.filter((each) => each !== FINALIZER) : [...finalizers, FINALIZER]
        await client.update(...CLASS, { ...found, metadata: { ...metadata, finalizers: next } }, { signal })
      },
    }
  },
})

/** The classes that a claim asks for or has, and that of a volume. */
function namesOf(object: PersistentVolumeClaim | PersistentVolume): string[] {
  const current = object.kind === 'PersistentVolumeClaim' ? object.status.currentVolumeAttributesClassName : undefined
  return [object.spec.volumeAttributesClassName, current].flatMap((name) => name || [])
}
