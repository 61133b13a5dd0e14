import type { PodDisruptionBudget } from '../../shared/openapi/generated/policy-v1.ts'
import type { Random } from '../../shared/random/random.ts'
import type { ClusterState } from '../cluster-state.ts'
import { countRefusal, explain } from '../explain.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { PreemptionArgs } from '../policy/plugin-args.ts'
import type { Refusers } from '../scheduling-cycle.ts'
import { type Candidate, leastLoss, victimsOn } from './victims.ts'

/** So many nodes are enough to choose from, where nothing is said (upstream: a tenth of the cluster, and no fewer than a hundred). */
const ENOUGH = 100
const PERCENTAGE = 10

/** How many nodes that would do are enough. Of two arguments one of which is given, the other has upstream's default. */
export function enoughCandidates(
  nodes: number,
  { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: least }: PreemptionArgs,
): number {
  if (percentage === undefined && least === undefined) return ENOUGH
  return Math.max(Math.floor((nodes * (percentage ?? PERCENTAGE)) / 100), least ?? ENOUGH, 1)
}

const NOT_HELPFUL = 'Preemption is not helpful for scheduling'
const NO_VICTIMS = 'No preemption victims found for incoming pod'

/** Where room is made, or why it cannot be. */
export type Preemption = Candidate | { readonly node: undefined; readonly why: string }

export interface PreemptionTools {
  readonly cluster: ClusterState
  readonly budgets: readonly PodDisruptionBudget[]
  readonly random: Random
  readonly refusers: Refusers
  /** Whether the pod fits on the node as the picture is at the moment of the call. */
  readonly fits: (node: NodeInfo) => boolean
  readonly args?: PreemptionArgs
}

/** Why this pod may not displace others at all; undefined when it may. */
export function ineligible(
  { pod, uid, priority }: PodInfo,
  cluster: ClusterState,
  refusers: PreemptionTools['refusers'],
): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = cluster.nominationOf(uid)
  // On a node that no departure can make fit, waiting for one is vain.
  if (!nominated || refusers[cluster.list().indexOf(nominated)]?.plugin.helpedByRemoval !== true) return undefined
  const isWaiting = [...nominated.pods.values()].some(
    (other) => other.priority < priority && other.pod.metadata.deletionTimestamp !== undefined && wasPreempted(other),
  )
  return isWaiting ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

/** Finds the node that loses least. The picture is as before when this returns. */
export function findPreemption(newcomer: PodInfo, tools: PreemptionTools): Preemption {
  const { candidates, why } = preemptionCandidates(newcomer, tools)
  return leastLoss(candidates) ?? { node: undefined, why }
}

/** Where room could be made, and why it could not elsewhere. The picture is as before when this returns. */
export function preemptionCandidates(newcomer: PodInfo, tools: PreemptionTools): { candidates: Candidate[]; why: string } {
  const { cluster, budgets, random, refusers, fits, args = {} } = tools
  const nodes = cluster.list()
  const enough = enoughCandidates(nodes.length, args)
  const candidates: Candidate[] = []
  const refusals = new Map<string, number>()
  let hasHarmless = false
  // Not always the same nodes are the first to lose their pods.
  const start = Math.floor(random.fraction() * nodes.length)
  for (let index = 0; index < nodes.length; index++) {
    if (candidates.length >= enough && hasHarmless) break
    const place = (start + index) % nodes.length
    const node = nodes[place]
    if (!node) break
    if (refusers[place]?.plugin.helpedByRemoval !== true) {
      countRefusal(refusals, NOT_HELPFUL)
      continue
    }
    const trial = {
      fits: () => fits(node),
      take: (pod: PodInfo) => cluster.withdraw(node, pod),
      putBack: (pod: PodInfo) => cluster.putBack(node, pod),
    }
    const candidate = victimsOn(node, newcomer, trial, budgets)
    if (!candidate) {
      countRefusal(refusals, NO_VICTIMS)
      continue
    }
    candidates.push(candidate)
    hasHarmless ||= candidate.violations === 0
  }
  return { candidates, why: explain(nodes.length, refusals) }
}

function wasPreempted({ pod }: PodInfo): boolean {
  return pod.status.conditions?.some(({ type, reason }) => type === 'DisruptionTarget' && reason === REASON) === true
}

export const REASON = 'PreemptionByScheduler'
