import type { Deployment, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'

/** The bounds of a rolling update in pods. */
export interface Bounds {
  /** More than the wanted number that may exist. */
  readonly surge: number
  /** Fewer than the wanted number that may be available. */
  readonly unavailable: number
}

/** Percentages become pods: surge rounds up, unavailable down; both zero would never move, so one may be unavailable. */
export function boundsOf(deployment: Deployment): Bounds {
  const { strategy, replicas = 1 } = deployment.spec
  if (strategy.type === 'Recreate') return { surge: 0, unavailable: replicas }
  const surge = podsOf(strategy.rollingUpdate?.maxSurge ?? '25%', replicas, Math.ceil)
  const unavailable = podsOf(strategy.rollingUpdate?.maxUnavailable ?? '25%', replicas, Math.floor)
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : Math.min(unavailable, replicas) }
}

/** A number, or a percentage of `total`. */
export function podsOf(value: number | string, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value)
  return percent ? round((Number(percent[1]) * total) / 100) : 0
}

const wantedOf = (set: ReplicaSet) => set.spec.replicas ?? 1
const sumOf = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number) => sets.reduce((sum, set) => sum + count(set), 0)

/** Pods of a set that are or will be: one that was just made smaller still has those it has not given up yet. */
const presentOf = (set: ReplicaSet) => Math.max(wantedOf(set), set.status.replicas)

/**
 * Replicas the new set should have now: up to the wanted number, never more pods in all than wanted plus surge. (Upstream counts the
 * sizes asked for, so that more pods may exist while a set lags behind its size.)
 */
export function newReplicas(deployment: Deployment, newSet: ReplicaSet, all: readonly ReplicaSet[]): number {
  const wanted = deployment.spec.replicas ?? 1
  if (deployment.spec.strategy.type === 'Recreate') return wanted
  const room = wanted + boundsOf(deployment).surge - sumOf(all, presentOf)
  if (room <= 0) return Math.min(wantedOf(newSet), wanted)
  return Math.min(wantedOf(newSet) + room, wanted)
}

/**
 * Replicas each old set should have now (by uid; only those that change): broken pods go first, whatever their set, then
 * the oldest sets shrink while enough pods stay available.
 */
export function oldReplicas(deployment: Deployment, newSet: ReplicaSet, olds: readonly ReplicaSet[]): Map<string, number> {
  const wanted = deployment.spec.replicas ?? 1
  const least = wanted - boundsOf(deployment).unavailable
  const all = [...olds, newSet]
  const newNotAvailable = wantedOf(newSet) - (newSet.status.availableReplicas ?? 0)
  let mayGo = sumOf(all, wantedOf) - least - newNotAvailable
  const next = new Map<string, number>()
  if (mayGo <= 0) return next
  const replicasOf = (set: ReplicaSet) => next.get(set.metadata.uid ?? '') ?? wantedOf(set)
  const shrink = (set: ReplicaSet, by: number) => {
    next.set(set.metadata.uid ?? '', replicasOf(set) - by)
    mayGo -= by
  }
  const oldestFirst = [...olds].sort(byAge)
  for (const set of oldestFirst) {
    const by = Math.min(mayGo, Math.max(wantedOf(set) - (set.status.availableReplicas ?? 0), 0))
    if (by > 0) shrink(set, by)
  }
  // A set that was just made smaller still reports the pods it is about to lose: they do not count.
  const availableOf = (set: ReplicaSet) => Math.min(set.status.availableReplicas ?? 0, replicasOf(set))
  for (const set of oldestFirst) {
    const by = Math.min(mayGo, sumOf(all, availableOf) - least, replicasOf(set))
    if (by > 0) shrink(set, by)
  }
  return next
}

/** Where the annotation of a set says how large its Deployment might be when it was last scaled. */
export const MAX_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/max-replicas'
export const DESIRED_REPLICAS_ANNOTATION = 'deployment.kubernetes.io/desired-replicas'

/**
 * A Deployment scaled in the middle of a rollout (or while paused) spreads the difference over its sets by their size,
 * larger ones first, so that the risk stays as it was. Answers new sizes by uid.
 */
export function proportionalReplicas(deployment: Deployment, sets: readonly ReplicaSet[]): Map<string, number> {
  const active = sets.filter((set) => wantedOf(set) > 0)
  const wanted = deployment.spec.replicas ?? 1
  const allowed = wanted > 0 ? wanted + boundsOf(deployment).surge : 0
  const toAdd = allowed - sumOf(active, wantedOf)
  const largestFirst = [...active].sort(
    (left, right) => wantedOf(right) - wantedOf(left) || (toAdd > 0 ? -byAge(left, right) : byAge(left, right)),
  )
  const next = new Map<string, number>()
  let added = 0
  for (const set of largestFirst) {
    const share = toAdd === 0 ? 0 : shareOf(set, allowed, toAdd, added)
    next.set(set.metadata.uid ?? '', wantedOf(set) + share)
    added += share
  }
  const [first] = largestFirst
  if (first) next.set(first.metadata.uid ?? '', Math.max((next.get(first.metadata.uid ?? '') ?? 0) + toAdd - added, 0))
  return next
}

function shareOf(set: ReplicaSet, allowed: number, toAdd: number, added: number): number {
  const before = Number(set.metadata.annotations?.[MAX_REPLICAS_ANNOTATION]) || allowed
  const fraction = Math.round((wantedOf(set) * allowed) / before) - wantedOf(set)
  return toAdd > 0 ? Math.min(Math.max(fraction, 0), toAdd - added) : Math.max(Math.min(fraction, 0), toAdd - added)
}

/** Oldest first; names decide between sets of one second. */
export function byAge(left: ReplicaSet, right: ReplicaSet): number {
  const [leftTime, rightTime] = [left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? '']
  if (leftTime !== rightTime) return leftTime < rightTime ? -1 : 1
  return (left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1
}
