import type { ClusterChange } from './cluster-change.ts'
import type { ClusterState } from './cluster-state.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/**
 * A rule bound to one pod. Undefined means: fits; sentences say why not, are shown to people, and counted over nodes. It answers for the cluster
 * as it is when it is called: pods are taken away and put back between two calls.
 */
export type BoundFilter = (node: NodeInfo) => string | readonly string[] | undefined
/**
 * Writes a number for each candidate, at its place; `normalize` (or 0–100 as it is) brings them to 0–100. NaN: no points, whatever the others get.
 * All at once, because a call and a boxed number for each node would cost more than the arithmetic.
 */
export type BoundScore = (candidates: readonly NodeInfo[], scores: Float64Array) => void

/** One scheduling rule: pure, one file in plugins/. Order and weight are policy and stand in profile.ts. */
export interface SchedulingPlugin {
  readonly name: string
  /** Holds a pod out of the queue; the sentence says why. */
  readonly gate?: (info: PodInfo) => string | undefined
  /** Refuses the pod for all nodes at once: something that it needs is not there at all. */
  readonly preFilter?: (info: PodInfo, cluster: ClusterState) => string | undefined
  /** Binds the filter to a pod; undefined: has nothing to say about this pod, skip it for all nodes. */
  readonly filter?: (info: PodInfo, cluster: ClusterState) => BoundFilter | undefined
  readonly score?: (info: PodInfo, cluster: ClusterState, candidates: readonly NodeInfo[]) => BoundScore | undefined
  readonly normalize?: 'none' | 'highestIs100' | 'highestIs0' | 'spanTo100'
  /** Whether a node that this rule refuses may fit once pods have left it; default: no. */
  readonly helpedByRemoval?: boolean
  /** Kinds of changes of the cluster after which a pod refused by this rule may fit. */
  readonly freedBy: readonly ClusterChange['what'][]
  /**
   * Whether this very change, of one of those kinds, may turn a refusal of the pod by this rule into none, on any node, with or without pods displaced for
   * it; the change has been made already. No is a promise: the pod sleeps on. Default: yes.
   */
  readonly helps?: (info: PodInfo, change: ClusterChange, cluster: ClusterState) => boolean
}
