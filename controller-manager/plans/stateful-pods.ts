import type { StatefulSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isAvailable } from '../pods/pod-facts.ts'
import { REVISION_LABEL } from '../pods/revision-label.ts'
import { podsOf } from './rolling-update.ts'
import { isInRange, ordinalOf, startOf } from './stateful-identity.ts'

/** What the plan asks about one set. */
export interface StatefulFacts {
  readonly set: StatefulSet
  /** Name of the revision of the present template. */
  readonly updateRevision: string
  /** Whether a pod is on its way out, although the cache may not show it yet. */
  isGoing(pod: Pod): boolean
  readonly now: number
}

/** The next step; all of it may be done at once. */
export interface StatefulPlan {
  /** Ordinals of pods to make. */
  readonly create: readonly number[]
  /** Pods whose marks and claims are to be as they should be, by ordinal. */
  readonly tend: readonly { readonly ordinal: number; readonly pod: Pod }[]
  readonly remove: readonly Pod[]
}

/**
 * Whether the pod at a place must be of the set's former template: below the partition of a rolling update. Without one, as many of the
 * first as there are still of the former (upstream counts places, not ordinals, where a set does not begin with 0).
 */
export function isHeldBack({ spec, status }: StatefulSet, place: number): boolean {
  const { type, rollingUpdate } = spec.updateStrategy
  if (type !== 'RollingUpdate') return false
  return place < (rollingUpdate ? (rollingUpdate.partition ?? 0) : (status.currentReplicas ?? 0))
}

/** How many pods a rolling update may have unavailable: a number, or a percentage of the wanted ones, rounded down; at least one. */
export function maxUnavailableOf({ spec }: StatefulSet): number {
  return Math.max(podsOf(spec.updateStrategy.rollingUpdate?.maxUnavailable ?? 1, spec.replicas ?? 1, Math.floor), 1)
}

/**
 * Pure. In order (OrderedReady): one step at a time, from the lowest up, and nothing above a pod that is not available; then down from the
 * highest, and not while another one is unhealthy; then updates. At once (Parallel): all of it.
 */
export function planStatefulPods(pods: readonly Pod[], facts: StatefulFacts): StatefulPlan {
  const { set } = facts
  const row = Array.from({ length: set.spec.replicas ?? 1 }, (_, place): Pod | undefined => find(set, pods, startOf(set) + place))
  const surplus = pods
    .flatMap((pod) => {
      const ordinal = ordinalOf(set, pod)
      return ordinal === undefined || isInRange(set, ordinal) ? [] : [{ ordinal, pod }]
    })
    .sort((left, right) => right.ordinal - left.ordinal)
  return set.spec.podManagementPolicy === 'Parallel' ? allAtOnce(row, surplus, facts) : inOrder(row, surplus, facts)
}

type Placed = StatefulPlan['tend'][number]

function inOrder(row: readonly (Pod | undefined)[], surplus: readonly Placed[], facts: StatefulFacts): StatefulPlan {
  const start = startOf(facts.set)
  const tend: Placed[] = []
  for (const [place, pod] of row.entries()) {
    if (!pod) return { create: [start + place], tend, remove: [] }
    // The next of this name comes when this one is gone.
    if (isOver(pod)) return { create: [], tend, remove: facts.isGoing(pod) ? [] : [pod] }
    tend.push({ ordinal: start + place, pod })
    if (!serves(pod, facts)) return { create: [], tend, remove: [] }
  }
  tend.push(...surplus)
  const [highest] = surplus
  if (!highest) return { create: [], tend, remove: planUpdate(row, facts) }
  if (facts.isGoing(highest.pod)) return { create: [], tend, remove: [] }
  const firstUnhealthy = surplus.findLast(({ pod }) => !serves(pod, facts))
  const isFree = firstUnhealthy === undefined || firstUnhealthy === highest || serves(highest.pod, facts)
  return { create: [], tend, remove: isFree ? [highest.pod] : [] }
}

function allAtOnce(row: readonly (Pod | undefined)[], surplus: readonly Placed[], facts: StatefulFacts): StatefulPlan {
  const start = startOf(facts.set)
  const create: number[] = []
  const tend: Placed[] = []
  const remove: Pod[] = []
  for (const [place, pod] of row.entries()) {
    if (!pod) create.push(start + place)
    else if (!isOver(pod)) tend.push({ ordinal: start + place, pod })
    else if (!facts.isGoing(pod)) remove.push(pod)
  }
  tend.push(...surplus)
  remove.push(...surplus.map(({ pod }) => pod).filter((pod) => !facts.isGoing(pod)))
  remove.push(...planUpdate(row, facts).filter((pod) => !remove.includes(pod)))
  return { create, tend, remove }
}

/** Pods of the former template that may go now, highest first: those that do not serve anyway, then others while enough do. */
function planUpdate(row: readonly (Pod | undefined)[], facts: StatefulFacts): Pod[] {
  const { set, updateRevision } = facts
  if (set.spec.updateStrategy.type !== 'RollingUpdate') return []
  const partition = set.spec.updateStrategy.rollingUpdate?.partition ?? 0
  const unavailable = row.filter((pod) => !pod || !serves(pod, facts)).length
  const olds = row
    .flatMap((pod, place) => (pod && place >= partition && !facts.isGoing(pod) && revisionOf(pod) !== updateRevision ? pod : []))
    .reverse()
  const broken = olds.filter((pod) => !serves(pod, facts))
  const serving = olds.filter((pod) => serves(pod, facts))
  return [...broken, ...serving.slice(0, Math.max(maxUnavailableOf(set) - unavailable, 0))]
}

function find(set: StatefulSet, pods: readonly Pod[], ordinal: number): Pod | undefined {
  return pods.find((pod) => ordinalOf(set, pod) === ordinal)
}

/** Running, ready for long enough, and not on its way out. */
function serves(pod: Pod, { set, isGoing, now }: StatefulFacts): boolean {
  return pod.status.phase === 'Running' && isAvailable(pod, set.spec.minReadySeconds ?? 0, now) && !isGoing(pod)
}

function isOver({ status }: Pod): boolean {
  return status.phase === 'Failed' || status.phase === 'Succeeded'
}

/** The name of the revision that a pod is of. */
export function revisionOf({ metadata }: Pod): string | undefined {
  return metadata.labels?.[REVISION_LABEL]
}
