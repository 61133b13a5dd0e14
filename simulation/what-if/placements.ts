import type { KubeObject } from '../../shared/objects/object.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { hasEnded, isReady } from '../pod-state.ts'
import { objectsOf } from './copied-objects.ts'
import type { CopiedKind } from './copy-cluster.ts'

/** A pod and where it is. */
export interface PlacedPod {
  readonly namespace: string
  readonly name: string
  readonly node: string
  /** Deleted, and its node has not confirmed that it ended. */
  readonly ending?: true
}

/** The pods of one owner, or one that has none. */
export interface Workload {
  /** `Deployment shop/web`: the outermost controller. */
  readonly owner: string
  readonly before: PodCounts
  readonly after: PodCounts
  /** Pods that are not there any more. */
  readonly gone: readonly PlacedPod[]
  /** Pods that were not there, or had no node. */
  readonly placed: readonly PlacedPod[]
}

export interface PodCounts {
  readonly pods: number
  readonly ready: number
  /** By node. */
  readonly nodes: Readonly<Record<string, number>>
}

export interface PendingPod {
  readonly namespace: string
  readonly name: string
  readonly owner: string
  /** The scheduler's words, or what else is known. */
  readonly why: string
}

export interface Placements {
  /** Of which something is different. */
  readonly workloads: readonly Workload[]
  /** Pods without a node, all of them. */
  readonly pending: readonly PendingPod[]
}

/** Where pods are, and were. */
export function placementsOf(before: readonly CopiedKind[], after: readonly CopiedKind[]): Placements {
  const byUid = new Map<string, KubeObject>()
  for (const { objects } of [...before, ...after])
    for (const object of objects) if (object.metadata.uid) byUid.set(object.metadata.uid, object)
  const ownerOf = (pod: Pod) => outermost(pod, byUid)
  const now = objectsOf(after, 'pods')
  const [oldByOwner, nowByOwner] = [Map.groupBy(objectsOf(before, 'pods'), ownerOf), Map.groupBy(now, ownerOf)]
  const owners = [...new Set([...oldByOwner.keys(), ...nowByOwner.keys()])].sort()
  const workloads = owners.map((owner) => workloadOf(owner, oldByOwner.get(owner) ?? [], nowByOwner.get(owner) ?? []))
  return {
    workloads: workloads.filter(
      ({ gone, placed, before: was, after: is }) => gone.length + placed.length > 0 || was.ready !== is.ready || was.pods !== is.pods,
    ),
    pending: now.filter((pod) => !pod.spec.nodeName && !hasEnded(pod) && !isGoing(pod)).map((pod) => pendingOf(pod, ownerOf(pod))),
  }
}

function workloadOf(owner: string, old: readonly Pod[], now: readonly Pod[]): Workload {
  const [known, left] = [new Map(old.map((pod) => [pod.metadata.uid, pod])), new Set(now.map(({ metadata }) => metadata.uid))]
  return {
    ...{ owner, before: countsOf(old), after: countsOf(now) },
    gone: [
      ...old.filter(({ metadata }) => !left.has(metadata.uid)).map(placed),
      ...now.filter((pod) => isGoing(pod) && known.has(pod.metadata.uid)).map((pod) => ({ ...placed(pod), ending: true as const })),
    ],
    placed: now.filter((pod) => pod.spec.nodeName && !isGoing(pod) && !known.get(pod.metadata.uid)?.spec.nodeName).map(placed),
  }
}

/** Pods that have ended, and those that are deleted, are not counted. */
function countsOf(pods: readonly Pod[]): PodCounts {
  const nodes: Record<string, number> = {}
  const alive = pods.filter((pod) => !hasEnded(pod) && !isGoing(pod))
  for (const { spec } of alive) if (spec.nodeName) nodes[spec.nodeName] = (nodes[spec.nodeName] ?? 0) + 1
  return { pods: alive.length, ready: alive.filter(isReady).length, nodes }
}

function placed({ metadata, spec }: Pod): PlacedPod {
  return { namespace: metadata.namespace ?? '', name: metadata.name ?? '', node: spec.nodeName ?? '' }
}

function pendingOf({ metadata, status, spec }: Pod, owner: string): PendingPod {
  const condition = status.conditions?.find(({ type }) => type === 'PodScheduled')
  const unseen =
    spec.schedulerName && spec.schedulerName !== 'default-scheduler'
      ? `its scheduler ${spec.schedulerName} does not run in a fork`
      : 'not looked at yet'
  return { namespace: metadata.namespace ?? '', name: metadata.name ?? '', owner, why: condition?.message ?? unseen }
}

function isGoing({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined
}

/** More than any chain of controllers is long. */
const LONGEST_CHAIN = 10

function outermost(pod: Pod, byUid: ReadonlyMap<string, KubeObject>): string {
  let shown = `Pod ${pod.metadata.namespace}/${pod.metadata.name}`
  let reference = pod.metadata.ownerReferences?.find(({ controller }) => controller)
  for (let steps = 0; reference && steps < LONGEST_CHAIN; steps++) {
    const owner: KubeObject | undefined = byUid.get(reference.uid)
    shown = `${reference.kind} ${owner && !owner.metadata.namespace ? '' : `${pod.metadata.namespace}/`}${reference.name}`
    reference = owner?.metadata.ownerReferences?.find(({ controller }) => controller)
  }
  return shown
}
