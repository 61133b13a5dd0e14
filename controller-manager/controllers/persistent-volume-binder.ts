import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { PersistentVolume, PersistentVolumeClaim } from '../../shared/openapi/generated/core-v1.ts'
import { FOLDER_FINALIZER } from '../../shared/volumes/annotations.ts'
import { nodeOfFolder } from '../../shared/volumes/node-folder.ts'
import { claimKeysOf } from '../../shared/volumes/pod-claims.ts'
import { planClaim } from '../plans/claim-binding.ts'
import { letsGoOfFolder, planVolume, type Reclaim } from '../plans/volume-reclaim.ts'
import { RECYCLER_NAMESPACE, recycledVolume, recyclerName } from '../plans/volume-recycler.ts'
import { bindBoth, writeClaimStatus, writePhase } from '../volumes/binding-writes.ts'
import { provision } from '../volumes/provision.ts'
import { recycle, removeRecycler } from '../volumes/recycle.ts'

/** Claims that wait are looked at again: what they wait for may be nobody's event (upstream's resync). */
const LOOK_AGAIN_MILLISECONDS = 15_000
/** The keys of volumes have no slash, those of claims have one. */
const isClaimKey = (key: string) => key.includes('/')

/** Brings claims and volumes together, has volumes made for classes, and reclaims what claims leave behind. */
export default defineController({
  name: 'persistentvolume-binder',
  serviceAccount: 'persistent-volume-binder',
  // One at a time: two claims would choose the same volume, and one of them lose.
  workers: 1,
  create(tools) {
    const { informers, client, events, signal } = tools
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const volumes = informers.of(
      'v1',
      'PersistentVolume',
      {},
      { claim: ({ spec: { claimRef } }) => claimRef && `${claimRef.namespace}/${claimRef.name}` },
    )
    const classes = informers.of('storage.k8s.io/v1', 'StorageClass')
    const nodes = informers.of('v1', 'Node')
    const pods = informers.of('v1', 'Pod', {}, { claims: claimKeysOf })

    return {
      watch(enqueue) {
        const unbound = () => {
          for (const claim of claims.cache.list()) if (claim.status.phase !== 'Bound') enqueue(objectKey(claim))
        }
        claims.onChange((key, current, previous) => {
          enqueue(key)
          for (const volume of volumes.cache.lookup('claim', key)) enqueue(objectKey(volume))
          const name = (current ?? previous)?.spec.volumeName
          if (name) enqueue(name)
        })
        volumes.onChange((key, current, previous) => {
          enqueue(key)
          const claimRef = (current ?? previous)?.spec.claimRef
          if (claimRef) enqueue(`${claimRef.namespace}/${claimRef.name}`)
          else unbound()
        })
        classes.onChange(unbound)
        pods.onChange((key) => {
          const volume = recycledVolume(key)
          if (volume !== undefined) enqueue(volume)
        })
        nodes.onChange((_key, current) => {
          if (current) return
          for (const volume of volumes.cache.list()) if (volume.metadata.deletionTimestamp) enqueue(objectKey(volume))
        })
      },

      reconcile: (key) => (isClaimKey(key) ? reconcileClaim(key) : reconcileVolume(key)),
    }

    async function reconcileClaim(key: string) {
      const claim = claims.cache.get(key)
      // One that is going is not bound any more, but stays bound until it is gone.
      if (!claim || (claim.metadata.deletionTimestamp && !claim.spec.volumeName)) return
      const waitingPods = pods.cache
        .lookup('claims', key)
        .filter((pod) => !pod.spec.nodeName && !pod.metadata.deletionTimestamp)
        .map((pod) => pod.metadata.name ?? '')
      const next = planClaim(claim, { volumes: volumes.cache.list(), classes: classes.cache.list(), waitingPods })
      switch (next.step) {
        case 'bind':
          return await bindBoth(next.volume, claim, tools)
        case 'provision':
          await provision(claim, next.storageClass, (name) => nodes.cache.get(name), tools)
          break
        case 'lost':
          if (claim.status.phase !== 'Lost') events.record(claim, 'Warning', next.notice.reason, next.notice.message)
          return await writeClaimStatus(claim, { phase: 'Lost', accessModes: undefined, capacity: undefined }, tools)
        case 'wait':
          if (next.notice) events.record(claim, next.notice.type, next.notice.reason, next.notice.message)
          await writeClaimStatus(claim, { phase: 'Pending' }, tools)
      }
      return { requeueAfterMilliseconds: LOOK_AGAIN_MILLISECONDS }
    }

    async function reconcileVolume(name: string) {
      const volume = volumes.cache.get(name)
      if (!volume) return
      if (letsGoOfFolder(volume, isNodeGone(volume))) return await withoutFinalizer(volume)
      const { claimRef } = volume.spec
      const claim = claimRef?.uid ? await claimOf(claimRef) : undefined
      const next = planVolume(volume, claim)
      switch (next.step) {
        case 'phase':
          await writePhase(volume, { phase: next.phase }, tools)
          return await removeRecycler(volume, recyclerOf(volume), tools)
        case 'unbind':
          return await unbind(volume, next.keepsPromise)
        case 'release':
          return await release(volume, next.reclaim)
      }
    }

    /** The claim itself, not one of the same name that came later; the server is asked before data is given up. */
    async function claimOf({
      namespace,
      name = '',
      uid,
    }: NonNullable<PersistentVolume['spec']['claimRef']>): Promise<PersistentVolumeClaim | undefined> {
      const cached = claims.cache.get(`${namespace}/${name}`)
      if (cached?.metadata.uid === uid) return cached
      try {
        const live = await client.get('v1', 'PersistentVolumeClaim', { namespace, name }, { signal })
        return live.metadata.uid === uid ? live : undefined
      } catch (error) {
        if (hasReason(error, 'NotFound')) return undefined
        throw error
      }
    }

    async function release(volume: PersistentVolume, reclaim: Reclaim) {
      if (reclaim.do === 'fail') {
        if (volume.status.phase !== 'Failed') events.record(volume, 'Warning', reclaim.reason, reclaim.message)
        await writePhase(volume, { phase: 'Failed', message: reclaim.message }, tools)
        return
      }
      if (reclaim.do === 'recycle' && !volume.metadata.deletionTimestamp) {
        if (await recycle(volume, recyclerOf(volume), tools)) await unbind(volume, false)
        return
      }
      const { metadata } = await writePhase(volume, { phase: 'Released' }, tools)
      if (reclaim.do !== 'delete' || metadata.deletionTimestamp) return
      try {
        await client.delete('v1', 'PersistentVolume', { name: metadata.name ?? '' }, { preconditions: { uid: metadata.uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }

    async function unbind(volume: PersistentVolume, keepsPromise: boolean) {
      const next = structuredClone(volume)
      if (keepsPromise && next.spec.claimRef) {
        next.spec.claimRef.uid = undefined
        next.spec.claimRef.resourceVersion = undefined
      } else delete next.spec.claimRef
      const written = await client.update('v1', 'PersistentVolume', next, { signal })
      await writePhase(written, { phase: 'Available' }, tools)
    }

    async function withoutFinalizer(volume: PersistentVolume) {
      const finalizers = volume.metadata.finalizers?.filter((each) => each !== FOLDER_FINALIZER)
      await client.update('v1', 'PersistentVolume', { ...volume, metadata: { ...volume.metadata, finalizers } }, { signal })
    }

    function recyclerOf({ metadata }: PersistentVolume) {
      return pods.cache.get(`${RECYCLER_NAMESPACE}/${recyclerName(metadata.name ?? '')}`)
    }

    function isNodeGone(volume: PersistentVolume): boolean {
      const node = nodeOfFolder(volume)
      return node !== undefined && !nodes.cache.get(node)
    }
  },
})
