import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Pod, Volume } from '../../shared/openapi/generated/core-v1.ts'
import { claimKeysOf, ephemeralClaimName, isClaimOfPod } from '../../shared/volumes/pod-claims.ts'
import { controllerReference } from '../pods/claim.ts'

/** Makes the claims of pods' `ephemeral` volumes; they belong to their pods, and the garbage collector takes them along. */
export default defineController({
  name: 'ephemeral-volume',
  reconciles: ['v1', 'Pod'],
  create({ informers, client, events, signal }) {
    const pods = informers.of('v1', 'Pod', {}, { claims: claimKeysOf })
    const claims = informers.of('v1', 'PersistentVolumeClaim')

    return {
      watch(enqueue) {
        // Of one that was deleted under a pod that waits, another is made.
        claims.onChange((key, current) => {
          if (!current) for (const pod of pods.cache.lookup('claims', key)) enqueue(`${pod.metadata.namespace}/${pod.metadata.name}`)
        })
      },
      async reconcile(key) {
        const pod = pods.cache.get(key)
        if (!pod || pod.metadata.deletionTimestamp || pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return
        for (const volume of pod.spec.volumes ?? []) if (volume.ephemeral) await ensureClaim(pod, volume)
      },
    }

    async function ensureClaim(pod: Pod, { name, ephemeral }: Volume): Promise<void> {
      const { namespace } = pod.metadata
      const claimName = ephemeralClaimName(pod.metadata.name ?? '', name)
      const existing = claims.cache.get(`${namespace}/${claimName}`)
      if (existing) {
        if (isClaimOfPod(existing, pod)) return
        const why = `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`
        events.record(pod, 'Warning', 'ClaimCreationFailed', `ephemeral volume ${name}: ${why}`)
        throw new Error(why)
      }
      const template = ephemeral?.volumeClaimTemplate
      const { labels, annotations } = template?.metadata ?? {}
      const metadata = { namespace, name: claimName, labels, annotations, ownerReferences: [controllerReference(pod)] }
      try {
        await client.create('v1', 'PersistentVolumeClaim', { metadata, spec: template?.spec }, { namespace, signal })
      } catch (error) {
        if (hasReason(error, 'AlreadyExists')) return
        events.record(pod, 'Warning', 'ClaimCreationFailed', `ephemeral volume ${name}: create PVC ${claimName}: ${String(error)}`)
        throw error
      }
    }
  },
})
