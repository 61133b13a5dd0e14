import type { Deployment, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import { byAge } from './rolling-update.ts'

export const REVISION_ANNOTATION = 'deployment.kubernetes.io/revision'
export const REVISION_HISTORY_ANNOTATION = 'deployment.kubernetes.io/revision-history'

/** Annotations of a Deployment that its sets do not get: they speak of the whole, or kubectl would apply them wrongly. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION_ANNOTATION,
  REVISION_HISTORY_ANNOTATION,
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
  'deprecated.deployment.rollback.to',
])

const LARGEST = 2n ** 63n - 1n

/** The number of a set's revision, of 64 bits as upstream's; 0 when it has none that can be read. */
export function revisionOf(object: Deployment | ReplicaSet): bigint {
  const text = object.metadata.annotations?.[REVISION_ANNOTATION] ?? ''
  // Nineteen digits at most: a longer text is somebody's joke, and costs to read.
  const revision = /^\d{1,19}$/.test(text) ? BigInt(text) : 0n
  return revision < LARGEST ? revision : 0n
}

/** The annotations that the newest set must have: the Deployment's own, and a revision above all others' (what `rollout history` and `undo` read). */
export function newSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  olds: readonly ReplicaSet[],
): Record<string, string> {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !NOT_COPIED.has(name))
  const annotations: Record<string, string> = { ...set?.metadata.annotations, ...Object.fromEntries(copied) }
  const highest =
    olds
      .map(revisionOf)
      .sort((left, right) => (left < right ? -1 : 1))
      .at(-1) ?? 0n
  const next = highest + 1n
  const current = set ? revisionOf(set) : 0n
  if (current >= next) return annotations
  annotations[REVISION_ANNOTATION] = String(next)
  if (current > 0n) {
    const history = set?.metadata.annotations?.[REVISION_HISTORY_ANNOTATION]
    annotations[REVISION_HISTORY_ANNOTATION] = history ? `${history},${current}` : String(current)
  }
  return annotations
}

/** Old sets that are empty, settled and beyond the history limit. */
export function surplusSets(deployment: Deployment, olds: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10
  const removable = olds.filter((set) => set.metadata.deletionTimestamp === undefined)
  const surplus = Math.max(removable.length - limit, 0)
  const oldestFirst = [...removable].sort((left, right) => Number(revisionOf(left) - revisionOf(right)) || byAge(left, right))
  return oldestFirst
    .slice(0, surplus)
    .filter(
      (set) =>
        (set.spec.replicas ?? 1) === 0 &&
        set.status.replicas === 0 &&
        (set.status.observedGeneration ?? 0) >= (set.metadata.generation ?? 0),
    )
}
