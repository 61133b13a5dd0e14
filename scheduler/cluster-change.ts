import { sameJson } from '../shared/objects/same-json.ts'
import type { Node } from '../shared/openapi/generated/core-v1.ts'
import { FOLDERS_OF_NODE } from '../shared/volumes/annotations.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** What was changed of a node that rules look at. */
export interface NodeAspects {
  /** Labels that came, went or have another value. */
  readonly labels: readonly string[]
  readonly taints: boolean
  readonly cordon: boolean
  readonly allocatable: boolean
  /** Whether it keeps volumes as folders. */
  readonly folders: boolean
}

/** A change of the picture, told after it has been made: which object, and what of it. Whom it may free, the rules say (`SchedulingPlugin.helps`). */
export type ClusterChange =
  | { readonly what: 'nodeAdded' | 'nodeRemoved'; readonly node: NodeInfo }
  | { readonly what: 'nodeUpdated'; readonly node: NodeInfo; readonly previous: Node; readonly altered: NodeAspects }
  /** Also of pods that were only assumed on the node, and of those for which room was kept there. */
  | { readonly what: 'podPlaced' | 'podRemoved'; readonly pod: PodInfo; readonly node: NodeInfo }
  | { readonly what: 'podUpdated'; readonly pod: PodInfo; readonly previous: PodInfo; readonly node: NodeInfo }
  /** Its labels are others, or it came or went. */
  | { readonly what: 'namespaceChanged'; readonly name: string }
  | { readonly what: 'volumeChanged'; readonly kind: VolumeKind; readonly key: string }

/** A CSIStorageCapacity goes by the name of its class. */
export type VolumeKind = 'PersistentVolumeClaim' | 'PersistentVolume' | 'StorageClass' | 'CSINode' | 'CSIDriver' | 'CSIStorageCapacity'

/** Undefined when nothing has changed that rules look at: heartbeats, most of what is seen of a node. */
export function alteredAspects(current: Node, previous: Node): NodeAspects | undefined {
  const [now, before] = [current.metadata.labels ?? {}, previous.metadata.labels ?? {}]
  const keys = now === before ? [] : [...new Set([...Object.keys(now), ...Object.keys(before)])]
  const altered = {
    labels: keys.filter((key) => now[key] !== before[key]),
    taints: !sameJson(current.spec.taints, previous.spec.taints),
    cordon: (current.spec.unschedulable ?? false) !== (previous.spec.unschedulable ?? false),
    allocatable: !sameJson(current.status.allocatable ?? current.status.capacity, previous.status.allocatable ?? previous.status.capacity),
    folders: current.metadata.annotations?.[FOLDERS_OF_NODE] !== previous.metadata.annotations?.[FOLDERS_OF_NODE],
  }
  const isNothing = altered.labels.length === 0 && !altered.taints && !altered.cordon && !altered.allocatable && !altered.folders
  return isNothing ? undefined : altered
}
