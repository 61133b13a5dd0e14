import { own } from '../../shared/objects/own.ts'
import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'

/** A node, and the pods that would have to leave it. */
export interface Candidate {
  readonly node: NodeInfo
  /** The most important first. */
  readonly victims: readonly PodInfo[]
  /** How many of them a disruption budget would rather keep. */
  readonly violations: number
}

/** A node whose pods can be taken away and put back while it is looked at. */
export interface Trial {
  /** Whether the newcomer fits as things are now. */
  fits(): boolean
  take(pod: PodInfo): void
  putBack(pod: PodInfo): void
}

/**
 * The fewest pods of lower priority that must leave the node: all of them are taken away, then put back one by one, those first that a budget
 * guards, and of these and the others the most important ones first, as long as the newcomer still fits. Undefined when even without all of
 * them there is no room. The node is left as it was.
 */
export function victimsOn(node: NodeInfo, newcomer: PodInfo, trial: Trial, budgets: readonly PodDisruptionBudget[]): Candidate | undefined {
  const lower = [...node.pods.values()].filter(({ priority }) => priority < newcomer.priority).sort(moreImportantFirst)
  if (lower.length === 0) return undefined
  for (const pod of lower) trial.take(pod)
  const victims: PodInfo[] = []
  let violations = 0
  const fits = trial.fits()
  if (fits) {
    const { guarded, free } = byBudget(lower, budgets)
    for (const group of [guarded, free]) {
      for (const pod of group) {
        trial.putBack(pod)
        if (trial.fits()) continue
        trial.take(pod)
        victims.push(pod)
        if (group === guarded) violations++
      }
    }
  }
  for (const pod of fits ? victims : lower) trial.putBack(pod)
  return fits ? { node, victims: victims.sort(moreImportantFirst), violations } : undefined
}

/** Which pods a budget would rather keep: each takes one disruption of every budget that is about it, in order of importance. */
export function byBudget(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { guarded: PodInfo[]; free: PodInfo[] } {
  if (budgets.length === 0) return { guarded: [], free: [...pods] }
  const left = budgets.map((budget) => ({
    budget,
    selector: labelSelectorFrom(budget.spec.selector),
    disruptions: budget.status.disruptionsAllowed,
  }))
  const guarded: PodInfo[] = []
  const free: PodInfo[] = []
  for (const info of pods) {
    let isGuarded = false
    for (const each of left) {
      const { metadata, status } = each.budget
      if (metadata.namespace !== info.namespace || each.selector.empty || !each.selector.matches(info.labels)) continue
      // Its disruption was counted when it was evicted.
      if (own(status.disruptedPods, info.pod.metadata.name ?? '') !== undefined) continue
      if (--each.disruptions < 0) isGuarded = true
    }
    ;(isGuarded ? guarded : free).push(info)
  }
  return { guarded, free }
}

/** Makes every priority positive, so that more pods never weigh less than fewer. */
const OFFSET = 2 ** 31

/**
 * The node that loses least, by the first of these that tells two apart: fewest violations of budgets, lowest highest priority of a victim,
 * lowest sum of priorities, fewest victims, latest start of its most important victims; then the first. Pure.
 */
export function leastLoss(candidates: readonly Candidate[]): Candidate | undefined {
  const [first, ...others] = candidates
  if (!first) return undefined
  let best = first
  let bestLoss = lossOf(first)
  for (const candidate of others) {
    const loss = lossOf(candidate)
    const place = loss.findIndex((value, index) => value !== bestLoss[index])
    if (place < 0 || (loss[place] ?? 0) > (bestLoss[place] ?? 0)) continue
    best = candidate
    bestLoss = loss
  }
  return best
}

function lossOf({ victims, violations }: Candidate): number[] {
  const highest = victims[0]?.priority ?? Number.NEGATIVE_INFINITY
  const sum = victims.reduce((total, { priority }) => total + priority + OFFSET, 0)
  const starts = victims.filter(({ priority }) => priority === highest).map(startOf)
  return [violations, highest, sum, victims.length, -Math.min(...starts, Number.MAX_SAFE_INTEGER)]
}

/** By priority, then by how long they have run. Compared by their texts: the server writes all times in one form. */
function moreImportantFirst(left: PodInfo, right: PodInfo): number {
  const byPriority = right.priority - left.priority
  if (byPriority !== 0) return byPriority
  const [one, other] = [left.pod.status.startTime || NOT_STARTED, right.pod.status.startTime || NOT_STARTED]
  return one < other ? -1 : one > other ? 1 : 0
}

/** A pod that has not started yet is the youngest. */
const NOT_STARTED = '~'

function startOf({ pod }: PodInfo): number {
  return parseTimestamp(pod.status.startTime ?? undefined) ?? Number.MAX_SAFE_INTEGER
}
