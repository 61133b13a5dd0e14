import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { claimKeysOf } from '../../shared/volumes/pod-claims.ts'
import type { VolumeKind } from '../cluster-change.ts'
import type { SchedulingPlugin } from '../framework.ts'
import type { VolumeState } from '../volume-state.ts'

/** Of new volumes: what a node may hold is not theirs to say. */
const withoutWeight: ReadonlySet<VolumeKind> = new Set(['StorageClass', 'CSIDriver', 'CSIStorageCapacity'])

/** A node holds no more volumes of a CSI driver than its CSINode allows; a volume that several pods use counts once. */
export const nodeVolumeLimits: SchedulingPlugin = {
  name: 'NodeVolumeLimits',
  helpedByRemoval: true,
  freedBy: ['podRemoved', 'podPlaced', 'volumeChanged', 'nodeAdded'],
  helps(info, change) {
    if (change.what === 'podRemoved') return change.pod.hasClaims
    // What is attached for another costs nothing more.
    if (change.what === 'podPlaced') return sharesVolume(info.pod, change.pod.pod)
    return change.what !== 'volumeChanged' || !withoutWeight.has(change.kind)
  },
  filter(info, { volumes }) {
    if (!info.hasClaims) return undefined
    const wanted = attachedBy(info.pod, volumes)
    if (wanted.length === 0) return undefined
    return (node) => {
      const drivers = volumes.csiNodes.get(node.name)?.spec.drivers.filter(({ allocatable }) => allocatable?.count !== undefined) ?? []
      if (drivers.length === 0) return undefined
      const there = new Map([...node.pods.values()].flatMap(({ pod }) => attachedBy(pod, volumes)))
      const all = new Map([...there, ...wanted])
      const countOf = (held: ReadonlyMap<string, string>, driver: string) => [...held.values()].filter((each) => each === driver).length
      const isFull = drivers.some(
        ({ name, allocatable }) => countOf(all, name) > countOf(there, name) && countOf(all, name) > (allocatable?.count ?? 0),
      )
      return isFull ? 'node(s) exceed max volume count' : undefined
    }
  },
}

/** The CSI volumes of a pod: what names each, and its driver. */
function attachedBy(pod: Pod, volumes: VolumeState): [string, string][] {
  if (!pod.spec.volumes) return []
  const claims = volumes.claimsOf(pod)
  if (typeof claims === 'string') return []
  return claims.bound.flatMap(({ spec }): [string, string][] =>
    spec.csi ? [[`${spec.csi.driver}/${spec.csi.volumeHandle}`, spec.csi.driver]] : [],
  )
}

/** By claims: two that lead to one volume are one claim. */
function sharesVolume(one: Pod, other: Pod): boolean {
  const keys = new Set(claimKeysOf(one))
  return claimKeysOf(other).some((key) => keys.has(key))
}
