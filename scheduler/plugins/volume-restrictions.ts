import { claimKeysOf, claimsOfPod } from '../../shared/volumes/pod-claims.ts'
import type { ClusterState } from '../cluster-state.ts'
import type { SchedulingPlugin } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

/** A claim for a single pod (ReadWriteOncePod) is used by one pod at a time, wherever it is. */
export const volumeRestrictions: SchedulingPlugin = {
  name: 'VolumeRestrictions',
  helpedByRemoval: true,
  freedBy: ['podRemoved', 'nodeRemoved', 'volumeChanged'],
  helps(info, change, { volumes }) {
    const wanted = new Set(claimKeysOf(info.pod))
    const uses = ({ hasClaims, pod }: PodInfo) => hasClaims && claimKeysOf(pod).some((key) => wanted.has(key))
    if (change.what === 'podRemoved') return uses(change.pod)
    if (change.what === 'nodeRemoved') return [...change.node.pods.values()].some(uses)
    return change.what === 'volumeChanged' && volumes.concerns(info.pod, change)
  },
  filter(info, cluster) {
    const wanted = singlePodClaims(info, cluster)
    if (wanted.length === 0) return undefined
    const { claimUsers } = cluster
    return () =>
      wanted.some((key) => claimUsers.has(key))
        ? 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'
        : undefined
  },
}

function singlePodClaims({ pod, namespace, hasClaims }: PodInfo, { volumes }: ClusterState): string[] {
  if (!hasClaims) return []
  const keys = claimsOfPod(pod).map(({ claimName }) => `${namespace}/${claimName}`)
  return keys.filter((key) => volumes.claims.get(key)?.spec.accessModes?.includes('ReadWriteOncePod'))
}
