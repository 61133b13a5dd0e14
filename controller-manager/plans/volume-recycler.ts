import type { Draft, ObjectOf } from '../../shared/client/client.ts'
import type { PersistentVolume, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { capacityOf } from '../../shared/volumes/matching.ts'

/** Where recyclers run, as upstream's. */
export const RECYCLER_NAMESPACE = 'default'
/** On a recycler: the uid of the claim whose data it removes, so that the next one is not taken for it. */
const OF_CLAIM = 'coxswain/recycled-claim'
const PREFIX = 'recycler-for-'
const GIB = 2n ** 30n * 10n ** 9n

export function recyclerName(volume: string): string {
  return `${PREFIX}${volume}`
}

/** The volume that a pod of this key recycles, if it is a recycler. */
export function recycledVolume(key: string): string | undefined {
  const prefix = `${RECYCLER_NAMESPACE}/${PREFIX}`
  return key.startsWith(prefix) ? key.slice(prefix.length) : undefined
}

/** A pod of the recycler's name may be anybody's. */
export function isOwned({ metadata }: Pod, volumeUid: string | undefined): boolean {
  return metadata.ownerReferences?.some(({ uid, controller }) => controller === true && uid === volumeUid) ?? false
}

export type RecycleStep =
  | { readonly step: 'start' }
  | { readonly step: 'wait' }
  /** It is of an earlier claim. */
  | { readonly step: 'remove' }
  | { readonly step: 'done' }
  | { readonly step: 'failed'; readonly message: string }

/** What to do for a volume that is to be emptied, from the pod of its recycler's name. Pure. */
export function planRecycler(volume: PersistentVolume, pod: Pod | undefined): RecycleStep {
  if (!pod) return { step: 'start' }
  const name = JSON.stringify(pod.metadata.name)
  if (!isOwned(pod, volume.metadata.uid))
    return { step: 'failed', message: `pod ${name} of namespace ${RECYCLER_NAMESPACE} is somebody else's: it has the name of the recycler` }
  if (pod.metadata.annotations?.[OF_CLAIM] !== volume.spec.claimRef?.uid)
    return { step: pod.metadata.deletionTimestamp ? 'wait' : 'remove' }
  if (pod.status.phase === 'Succeeded') return { step: 'done' }
  if (pod.status.phase !== 'Failed') return { step: 'wait' }
  const why = pod.status.message ?? pod.status.reason ?? 'it could not remove everything'
  return { step: 'failed', message: `recycler pod ${name} failed: ${why}; delete the pod to have it tried again` }
}

/**
 * The pod that empties the volume, where the volume is; file systems mounted inside are left alone. It has five minutes and half a minute for
 * each GiB (upstream's time-out for file servers).
 */
export function recyclerPod(volume: PersistentVolume): Draft<ObjectOf<'v1', 'Pod'>> {
  const { metadata, spec } = volume
  const { hostPath, nfs, nodeAffinity, claimRef } = spec
  const { name = '', uid = '' } = metadata
  const script = 'find /scrub -xdev -mindepth 1 -delete && test -z "$(ls -A /scrub)"'
  return {
    metadata: {
      name: recyclerName(name),
      namespace: RECYCLER_NAMESPACE,
      annotations: { [OF_CLAIM]: claimRef?.uid ?? '' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'PersistentVolume', name, uid, controller: true }],
    },
    spec: {
      activeDeadlineSeconds: 300 + 30 * Number(capacityOf(volume).nano / GIB),
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [
        {
          ...{ name: 'recycler', image: 'busybox:1.36', command: ['sh', '-c', script] },
          volumeMounts: [{ name: 'volume', mountPath: '/scrub' }],
        },
      ],
      volumes: [{ name: 'volume', ...(nfs ? { nfs: { server: nfs.server, path: nfs.path } } : { hostPath }) }],
      ...(nodeAffinity?.required
        ? { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: nodeAffinity.required } } }
        : {}),
    },
  }
}
