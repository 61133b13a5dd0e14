import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import { parseTimestamp, timestamp } from '../../shared/time/timestamp.ts'
import { boundsOf } from './rolling-update.ts'

/** A condition about to be written; times are filled in by what was there before. */
type News = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>

/** Sums of the sets' own status. */
export function countsOf(deployment: Deployment, sets: readonly ReplicaSet[], newSet: ReplicaSet | undefined) {
  const sum = (count: (set: ReplicaSet) => number | undefined) => sets.reduce((total, set) => total + (count(set) ?? 0), 0)
  const wanted = sum((set) => set.spec.replicas)
  const available = sum((set) => set.status.availableReplicas)
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum((set) => set.status.replicas) || undefined,
    updatedReplicas: newSet?.status.replicas || undefined,
    readyReplicas: sum((set) => set.status.readyReplicas) || undefined,
    availableReplicas: available || undefined,
    unavailableReplicas: Math.max(wanted - available, 0) || undefined,
    terminatingReplicas: sum((set) => set.status.terminatingReplicas) || undefined,
    collisionCount: deployment.status.collisionCount,
  } satisfies DeploymentStatus
}

/** Everything asked for is there, new and available, and nothing old is left. */
export function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const wanted = deployment.spec.replicas ?? 1
  return (counts.updatedReplicas ?? 0) === wanted && (counts.replicas ?? 0) === wanted && (counts.availableReplicas ?? 0) === wanted
}

function isProgressing(before: DeploymentStatus, counts: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (counts.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(counts) < old(before) ||
    (counts.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (counts.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

/** The status to write: counts and conditions. Pure. `justMade` says that the new set was made in this step. */
export function deploymentStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  newSet: ReplicaSet | undefined,
  now: number,
  justMade = false,
): DeploymentStatus {
  const counts = countsOf(deployment, sets, newSet)
  const news: News[] = [availability(deployment, counts)]
  const progress = progressOf(deployment, counts, newSet, now, justMade)
  if (progress) news.push(progress.condition)
  const failure = sets
    .flatMap((set) => set.status.conditions ?? [])
    .find((condition) => condition.type === 'ReplicaFailure' && condition.status === 'True')
  if (failure) news.push({ type: 'ReplicaFailure', status: 'True', reason: failure.reason, message: failure.message })
  const conditions = news.map((each) =>
    dated(each, deployment.status.conditions, progress?.moved === true && each.type === 'Progressing', now),
  )
  const kept = (deployment.status.conditions ?? []).filter(
    ({ type }) => type !== 'ReplicaFailure' && !conditions.some((condition) => condition.type === type),
  )
  // Keep the order in which they first appeared: a status that is merely shuffled is no change.
  const order = [...(deployment.status.conditions ?? []).map(({ type }) => type), ...conditions.map(({ type }) => type)]
  const all = [...kept, ...conditions].sort((left, right) => order.indexOf(left.type) - order.indexOf(right.type))
  return { ...counts, conditions: all }
}

function availability(deployment: Deployment, counts: DeploymentStatus): News {
  const least = (deployment.spec.replicas ?? 1) - boundsOf(deployment).unavailable
  return (counts.availableReplicas ?? 0) >= least
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
}

/** Milliseconds a rollout may stand still, or undefined when nobody asked (the API's "no deadline" is the largest int32). */
function deadlineOf(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds
  return seconds === undefined || seconds === 2 ** 31 - 1 ? undefined : seconds * 1_000
}

const known = (deployment: Deployment) => deployment.status.conditions?.find(({ type }) => type === 'Progressing')

function progressOf(deployment: Deployment, counts: DeploymentStatus, newSet: ReplicaSet | undefined, now: number, justMade: boolean) {
  if (deadlineOf(deployment) === undefined) return undefined
  const condition = (status: string, reason: string, message: string): News => ({ type: 'Progressing', status, reason, message })
  const what = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  const before = known(deployment)
  if (deployment.spec.paused) {
    // That the rollout had failed before is worth more than that it is paused.
    if (before?.reason === 'ProgressDeadlineExceeded') return { condition: unchanged(before), moved: false }
    return { condition: condition('Unknown', 'DeploymentPaused', 'Deployment is paused'), moved: false }
  }
  if (before?.reason === 'DeploymentPaused') {
    return { condition: condition('Unknown', 'DeploymentResumed', 'Deployment is resumed'), moved: true }
  }
  if (isComplete(deployment, counts)) {
    return { condition: condition('True', 'NewReplicaSetAvailable', `${what} has successfully progressed.`), moved: false }
  }
  // The set that the last condition speaks of tells which rollout it was about: another one begins with a clean slate.
  const name = newSet && `"${newSet.metadata.name}"`
  if (name && before?.reason !== 'DeploymentResumed' && before?.message?.includes(name) !== true) {
    const [reason, verb] = justMade ? ['NewReplicaSetCreated', 'Created'] : ['FoundNewReplicaSet', 'Found']
    return { condition: condition('True', reason, `${verb} new replica set ${name}`), moved: true }
  }
  // A finished rollout stays finished when pods come and go; only another template starts a new one.
  if (before?.reason === 'NewReplicaSetAvailable') return { condition: unchanged(before), moved: false }
  if (before === undefined || isProgressing(deployment.status, counts)) {
    return { condition: condition('True', 'ReplicaSetUpdated', `${what} is progressing.`), moved: true }
  }
  if (deadlinePassed(deployment, now)) {
    return { condition: condition('False', 'ProgressDeadlineExceeded', `${what} has timed out progressing.`), moved: false }
  }
  return { condition: unchanged(before), moved: false }
}

function unchanged({ type, status, reason, message }: DeploymentCondition): News {
  return { type, status, reason, message }
}

function deadlinePassed(deployment: Deployment, now: number): boolean {
  const left = untilDeadline(deployment, now)
  return left !== undefined && left <= 0
}

/** Milliseconds until a rollout that stands still has failed; undefined when it is complete, paused or has no deadline. */
export function untilDeadline(deployment: Deployment, now: number): number | undefined {
  const before = known(deployment)
  const deadline = deadlineOf(deployment)
  if (!before || deadline === undefined || deployment.spec.paused || before.reason === 'NewReplicaSetAvailable') return undefined
  if (before.reason === 'ProgressDeadlineExceeded') return 0
  return (parseTimestamp(before.lastUpdateTime ?? undefined) ?? now) + deadline - now
}

function dated(news: News, conditions: readonly DeploymentCondition[] | undefined, moved: boolean, now: number): DeploymentCondition {
  const before = conditions?.find(({ type }) => type === news.type)
  const same = before?.status === news.status && before.reason === news.reason && before.message === news.message
  return {
    ...news,
    lastUpdateTime: same && !moved ? before.lastUpdateTime : timestamp(now),
    lastTransitionTime: before?.status === news.status ? before.lastTransitionTime : timestamp(now),
  }
}
