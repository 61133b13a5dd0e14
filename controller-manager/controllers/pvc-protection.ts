import { defineController } from '../../shared/controller/define-controller.ts'
import { claimKeysOf } from '../../shared/volumes/pod-claims.ts'

const FINALIZER = 'kubernetes.io/pvc-protection'

/** Lets a deleted claim go once no pod that has a node uses it; finished pods count until they are deleted, as upstream. */
export default defineController({
  name: 'pvc-protection',
  reconciles: ['v1', 'PersistentVolumeClaim'],
  create({ informers, client, signal }) {
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const pods = informers.of('v1', 'Pod', {}, { claims: claimKeysOf })

    return {
      watch(enqueue) {
        pods.onChange((_key, current, previous) => {
          const gone = !current || (previous && previous.metadata.uid !== current.metadata.uid)
          if (gone && previous) for (const claim of claimKeysOf(previous)) enqueue(claim)
        })
      },

      async reconcile(key, { namespace }) {
        const claim = claims.cache.get(key)
        if (!claim) return
        const { metadata } = claim
        const finalizers = metadata.finalizers ?? []
        if (!metadata.deletionTimestamp) {
          // Made before the API server added it.
          if (!finalizers.includes(FINALIZER)) await write([...finalizers, FINALIZER])
          return
        }
        if (!finalizers.includes(FINALIZER) || pods.cache.lookup('claims', key).some(({ spec }) => spec.nodeName)) return
        // The cache lags behind, and a pod that was just given a node would lose its data.
        const { items } = await client.list('v1', 'Pod', { namespace, signal })
        if (items.some((pod) => pod.spec.nodeName && claimKeysOf(pod).includes(key))) return
        await write(finalizers.filter((each) => each !== FINALIZER))

        async function write(next: string[]): Promise<void> {
          if (claim)
            await client.update('v1', 'PersistentVolumeClaim', { ...claim, metadata: { ...metadata, finalizers: next } }, { signal })
        }
      },
    }
  },
})
