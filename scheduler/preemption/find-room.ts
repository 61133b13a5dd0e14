import type { SchedulingPlugin } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Profile } from '../policy/read-policy.ts'
import type { Refusers, SchedulingCycle } from '../scheduling-cycle.ts'
import { ineligible, type PreemptionTools, preemptionCandidates } from './preemption.ts'
import type { Candidate } from './victims.ts'

/** A profile, and the place where its last search ended. */
export interface ProfileAtWork extends Profile {
  readonly cycle: SchedulingCycle
}

/** What is known of a pod that fits nowhere. */
export interface Refused extends ProfileAtWork {
  readonly message: string
  readonly refusers: Refusers
  /** Grows by those that would refuse it even where room was made. */
  readonly refusedBy: Set<SchedulingPlugin>
}

/** Where room could be made and why not elsewhere; or what there is to say instead. */
export type Room = { readonly candidates: readonly Candidate[]; readonly why: string } | { readonly addition: string }

/** Where less important pods could make room for a pod that fits nowhere. */
export function findRoom(
  info: PodInfo,
  { refusers, refusedBy, cycle, preemption: args }: Refused,
  tools: Pick<PreemptionTools, 'cluster' | 'budgets' | 'random'>,
): Room {
  if (!args) return { addition: '' }
  const why = ineligible(info, tools.cluster, refusers)
  if (why !== undefined) return { addition: ` preemption: ${why}` }
  if (refusers.length === 0) return { addition: '' }
  return preemptionCandidates(info, { ...tools, refusers, args, fits: cycle.fitsAfterRemoval(info, tools.cluster, refusedBy) })
}
