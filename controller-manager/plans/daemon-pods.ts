import type { DaemonSetUpdateStrategy } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { isAvailable, isReady } from '../pods/pod-facts.ts'
import type { Place } from './daemon-nodes.ts'
import { podsOf } from './rolling-update.ts'

/** One node, and the daemon's pods that are on it or meant for it; `place` is undefined for a node that is gone. */
export interface DaemonNode {
  readonly name: string
  readonly place: Place | undefined
  readonly pods: readonly Pod[]
}

/** What the plans ask about one set. */
export interface DaemonFacts {
  readonly strategy: DaemonSetUpdateStrategy
  readonly minReadySeconds: number
  /** Whether a pod is of the newest template. */
  isNew(pod: Pod): boolean
  /** Whether it was told to go, although the cache may not show it yet. */
  isLeaving(pod: Pod): boolean
  /** Milliseconds until a failed pod of this node may be replaced; 0: now. */
  pauseOf(node: string): number
  readonly now: number
}

export interface DaemonPlan {
  /** Names of nodes that need a pod. */
  readonly create: readonly string[]
  readonly remove: readonly Pod[]
  /** Of `remove`, those that ended by themselves, with their node. */
  readonly ended: readonly { readonly node: string; readonly pod: Pod }[]
  /** When to look again because a failed pod may be replaced then; milliseconds. */
  readonly retryAfter: number | undefined
}

/** Pods in the order in which they count as a node's: placed ones first, older ones first. */
export function byAgeOnNode(left: Pod, right: Pod): number {
  const key = ({ metadata, spec }: Pod) => `${spec.nodeName ? 0 : 1} ${metadata.creationTimestamp ?? ''} ${metadata.name}`
  return key(left) < key(right) ? -1 : 1
}

/** The most of a node's pods that may be missing or extra during an update; percentages are of the nodes that should have one, rounded up. */
export function daemonBounds({ type, rollingUpdate }: DaemonSetUpdateStrategy, desired: number): { surge: number; unavailable: number } {
  if (type !== 'RollingUpdate') return { surge: 0, unavailable: 0 }
  const surge = podsOf(rollingUpdate?.maxSurge ?? 0, desired, Math.ceil)
  const unavailable = podsOf(rollingUpdate?.maxUnavailable ?? 1, desired, Math.ceil)
  return { surge, unavailable: surge === 0 && unavailable === 0 && desired > 0 ? 1 : unavailable }
}

/** Whether nodes may have two pods for a moment. */
function allowsSurge({ type, rollingUpdate }: DaemonSetUpdateStrategy): boolean {
  return type === 'RollingUpdate' && Number.parseInt(String(rollingUpdate?.maxSurge ?? 0), 10) > 0
}

/** Pure: one pod for each node that should have one, none on the others; whatever ended is removed, so that another can take its place. */
export function planDaemonPods(nodes: readonly DaemonNode[], facts: DaemonFacts): DaemonPlan {
  const create: string[] = []
  const remove: Pod[] = []
  const ended: DaemonPlan['ended'][number][] = []
  let retryAfter: number | undefined
  for (const { name, place, pods } of nodes) {
    if (!place) {
      // Placed ones are the pod collector's, which waits whether the node comes back.
      remove.push(...pods.filter((pod) => !pod.spec.nodeName && isPresent(pod)))
    } else if (!place.mayStay) remove.push(...pods.filter(isPresent))
    else if (pods.length === 0) {
      if (place.shouldRun) create.push(name)
    } else {
      const present = pods.filter(isPresent)
      for (const pod of present) {
        if (pod.status.phase !== 'Failed' && pod.status.phase !== 'Succeeded') continue
        const pause = pod.status.phase === 'Failed' ? facts.pauseOf(name) : 0
        if (pause > 0) retryAfter = Math.min(retryAfter ?? pause, pause)
        else ended.push({ node: name, pod })
      }
      const running = present.filter(({ status }) => status.phase !== 'Failed' && status.phase !== 'Succeeded').sort(byAgeOnNode)
      if (!allowsSurge(facts.strategy)) remove.push(...running.slice(1))
      else if (running.length === 0) {
        if (place.shouldRun) create.push(name)
      } else remove.push(...surplusOfSurge(running, facts))
    }
  }
  return { create, remove: [...ended.map(({ pod }) => pod), ...remove], ended, retryAfter }
}

/** Of an old and a new pod both stay while the old one still serves and the new one does not yet. */
function surplusOfSurge(running: readonly Pod[], { isNew, minReadySeconds, now }: DaemonFacts): Pod[] {
  if (running.length < 2) return []
  const [newPod, oldPod] = [running.find(isNew), running.find((pod) => !isNew(pod))]
  const surplus = running.filter((pod) => pod !== newPod && pod !== oldPod)
  if (newPod && oldPod && (!isReady(oldPod) || isAvailable(newPod, minReadySeconds, now))) surplus.push(oldPod)
  return surplus
}

/**
 * Pure: the next step of a rolling update. Without surge, old pods go while enough nodes have an available one; with it, new ones come
 * beside the old while few enough nodes have two. Pods that do not serve anyway are replaced at once; those of them that are old count
 * as unavailable all the same (upstream does not count them, so that more nodes than allowed may be without one).
 */
export function planDaemonUpdate(nodes: readonly DaemonNode[], facts: DaemonFacts): Pick<DaemonPlan, 'create' | 'remove'> {
  const nothing = { create: [], remove: [] }
  if (facts.strategy.type !== 'RollingUpdate') return nothing
  const desired = nodes.filter(({ place }) => place?.shouldRun)
  const { surge, unavailable } = daemonBounds(facts.strategy, desired.length)
  // Nodes that should have none, or none more, keep what they have until it is updated with the others.
  const concerned = nodes.filter(({ place, pods }) => place?.shouldRun || (place?.mayStay && pods.length > 0))
  return surge === 0 ? replaceInPlace(concerned, facts, unavailable) : replaceBeside(concerned, facts, surge)
}

function replaceInPlace(nodes: readonly DaemonNode[], facts: DaemonFacts, limit: number): Pick<DaemonPlan, 'create' | 'remove'> {
  const serves = (pod: Pod) => isAvailable(pod, facts.minReadySeconds, facts.now) && !facts.isLeaving(pod)
  const broken: Pod[] = []
  const serving: Pod[] = []
  let missing = 0
  for (const { pods } of nodes) {
    const [first, ...others] = pods.filter(isPresent)
    // None, or too many: the step before this one sees to that.
    if (!first || others.length > 0) missing += 1
    else if (facts.isNew(first)) missing += serves(first) ? 0 : 1
    else if (serves(first)) serving.push(first)
    else broken.push(first)
  }
  return { create: [], remove: [...broken, ...serving.slice(0, Math.max(limit - missing - broken.length, 0))] }
}

function replaceBeside(nodes: readonly DaemonNode[], facts: DaemonFacts, limit: number): Pick<DaemonPlan, 'create' | 'remove'> {
  const serves = (pod: Pod) => isAvailable(pod, facts.minReadySeconds, facts.now)
  const remove: Pod[] = []
  const broken: string[] = []
  const serving: string[] = []
  let doubled = 0
  for (const { name, place, pods } of nodes) {
    const present = pods.filter(isPresent)
    const [newPod, oldPod] = [present.find(facts.isNew), present.find((pod) => !facts.isNew(pod))]
    if (present.length > 2 || (present.length === 2 && !(newPod && oldPod))) doubled += 1
    else if (!oldPod) continue
    else if (newPod) {
      if (serves(newPod)) remove.push(oldPod)
      else doubled += 1
      // What may only stay is not renewed: a new pod would not be let in.
    } else if (!place?.shouldRun) continue
    else if (serves(oldPod)) serving.push(name)
    else broken.push(name)
  }
  return { create: [...broken, ...serving.slice(0, Math.max(limit - doubled, 0))], remove }
}

function isPresent({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined
}
