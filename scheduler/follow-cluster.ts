import type { Informers } from '../shared/informer/informer.ts'
import { sameJson } from '../shared/objects/same-json.ts'
import type { Pod } from '../shared/openapi/generated/core-v1.ts'
import type { VolumeKind } from './cluster-change.ts'
import type { ClusterState } from './cluster-state.ts'
import { followVolumes } from './follow-volumes.ts'
import { podInfo } from './pod-info.ts'
import type { Profile } from './policy/read-policy.ts'
import type { SchedulingQueue } from './queue.ts'

export interface ClusterFollower {
  readonly cluster: ClusterState
  readonly queue: SchedulingQueue
  /** Undefined: the pod is another scheduler's. */
  readonly profileOf: (pod: Pod) => Pick<Profile, 'rules'> | undefined
  readonly volumeChanged: (kind: VolumeKind, key: string) => void
}

/** Keeps the picture of the cluster up to date, and the queue of pods that are to be placed. */
export function followCluster(informers: Informers, { cluster, queue, profileOf, volumeChanged }: ClusterFollower): void {
  informers.of('v1', 'Namespace').onChange((key, current) => {
    cluster.setNamespace(key, current && (current.metadata.labels ?? {}))
  })
  followVolumes(informers, cluster.volumes, volumeChanged)
  informers.of('v1', 'Node').onChange((key, current) => {
    if (current) return cluster.setNode(current)
    const waiting = [...cluster.nominations.on(key).keys()]
    cluster.removeNode(key)
    // Room that was being made there is nowhere now.
    for (const uid of waiting) {
      cluster.nominations.delete(uid)
      queue.retry(uid)
    }
  })
  informers.of('v1', 'Pod').onChange((_key, current, previous) => {
    // The same name with another uid is another pod.
    if (previous && previous.metadata.uid !== current?.metadata.uid) gone(previous)
    if (current) seen(current, previous)
  })

  function gone(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    queue.delete(uid)
    cluster.dropNomination(uid)
    if (!cluster.isPlaced(uid)) return
    cluster.removePod(uid)
    cluster.volumes.changed()
  }

  function seen(pod: Pod, previous: Pod | undefined): void {
    if (pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed') return gone(pod)
    const uid = pod.metadata.uid ?? ''
    if (pod.spec.nodeName) {
      queue.delete(uid)
      cluster.setPod(pod)
      return cluster.dropNomination(uid)
    }
    const profile = profileOf(pod)
    if (!profile || cluster.isPlaced(uid)) return
    if (pod.metadata.deletionTimestamp !== undefined) {
      queue.delete(uid)
      return cluster.dropNomination(uid)
    }
    const info = podInfo(pod)
    // From before this scheduler's time; what it decided itself is newer than what the watch says.
    const nominated = pod.status.nominatedNodeName
    if (nominated && !previous) cluster.nominations.set(info, nominated)
    const gated = profile.rules.some(({ plugin }) => plugin.gate?.(info) !== undefined)
    if (!gated) queue.set(info, previous !== undefined && asksElse(pod, previous))
  }
}

function asksElse(current: Pod, previous: Pod): boolean {
  const { metadata } = current
  return metadata.generation !== previous.metadata.generation || !sameJson(metadata.labels, previous.metadata.labels)
}
