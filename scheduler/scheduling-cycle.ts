import type { Random } from '../shared/random/random.ts'
import type { ClusterState } from './cluster-state.ts'
import { countRefusal, explain, explainForAll } from './explain.ts'
import { explainPlacement, MOST_TOLD } from './explain-placement.ts'
import type { BoundFilter, SchedulingPlugin } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Weighted } from './policy/profile.ts'

/** Where the pod goes, or why it goes nowhere. */
export type Placement =
  | { node: NodeInfo; evaluated: number; why: string }
  | { node: undefined; message: string; refusedBy: ReadonlySet<SchedulingPlugin>; refusers: Refusers }

/** What refused each node, in the order of `ClusterState.list`; holds until the next decision. */
export type Refusers = readonly Refusal[]

export interface Refusal {
  readonly plugin: SchedulingPlugin
  readonly sentences: string | readonly string[]
}

/** Who asks, and by which rules. */
interface Asking {
  readonly info: PodInfo
  readonly cluster: ClusterState
  readonly rules: readonly Weighted[]
}

interface BoundPlugin {
  readonly plugin: SchedulingPlugin
  readonly bound: BoundFilter
  /** Most refusals are like the one before. */
  last: Refusal | undefined
}

/** What refuses a pod where there is no node at all. */
const someNode: SchedulingPlugin = { name: 'Nodes', freedBy: ['nodeAdded'] }

/** Below this many nodes all are looked at. */
const SMALL_CLUSTER = 100
const SMALLEST_PERCENTAGE = 5

/** How many nodes that fit are enough: large clusters are sampled, as upstream does by default (50 % less 1 % per 125 nodes, at least 5 %). */
export function enoughNodes(total: number, asked?: number): number {
  if (total < SMALL_CLUSTER) return total
  const percentage = asked ?? Math.max(50 - Math.floor(total / 125), SMALLEST_PERCENTAGE)
  return Math.max(Math.floor((total * percentage) / 100), SMALL_CLUSTER)
}

/** One decision at a time: filter, score, choose. Synchronous and free of effects but for the place where the next search starts. */
export class SchedulingCycle {
  readonly #profile: readonly Weighted[]
  readonly #random: Random
  readonly #percentage: number | undefined
  #start = 0
  /** Kept from one decision to the next, for the garbage that it saves. */
  readonly #refusals: Refusal[] = []
  #totals = new Float64Array(0)
  #scores = new Float64Array(0)

  /** `percentage`: of all nodes, how many that fit are enough; undefined: by their number. */
  constructor(profile: readonly Weighted[], random: Random, percentage?: number) {
    this.#percentage = percentage
    this.#profile = profile
    this.#random = random
  }

  /** `besides` are rules for this decision alone. */
  place(info: PodInfo, cluster: ClusterState, besides: readonly Weighted[] = []): Placement {
    const nodes = cluster.list()
    const rules = besides.length === 0 ? this.#profile : [...this.#profile, ...besides]
    for (const { plugin } of nodes.length > 0 ? rules : []) {
      const sentence = plugin.preFilter?.(info, cluster)
      if (sentence === undefined) continue
      return { node: undefined, message: explainForAll(nodes.length, sentence), refusedBy: new Set([plugin]), refusers: [] }
    }
    // The room that was made for it: nobody else's would be cheaper.
    const nominated = cluster.nominationOf(info.uid)
    const asking = { info, cluster, rules }
    if (nominated && !this.#refusalOf(nominated, asking, this.#bind(asking))) {
      return { node: nominated, evaluated: 1, why: `room was made for it on ${nominated.name}` }
    }
    const { fitting, evaluated, refused } = this.#filter(asking, nodes, enoughNodes(nodes.length, this.#percentage))
    if (fitting.length === 0) return this.#nowhere(nodes.length)
    const only = fitting.length === 1 ? fitting[0] : undefined
    const node = only ?? this.#best(asking, fitting)
    return { node, evaluated, why: explainPlacement({ node, fitting, totals: only ? undefined : this.#totals, refused, evaluated }) }
  }

  /** All nodes that the rules leave, in a cluster of any size: for those who are asked about each. */
  fitting(info: PodInfo, cluster: ClusterState): readonly NodeInfo[] {
    const nodes = cluster.list()
    return this.#filter({ info, cluster, rules: this.#profile }, nodes, nodes.length).fitting
  }

  #filter(asking: Asking, nodes: readonly NodeInfo[], enough: number) {
    const filters = this.#bind(asking)
    const fitting: NodeInfo[] = []
    const refused: [node: NodeInfo, refusal: Refusal][] = []
    let evaluated = 0
    let place = this.#start < nodes.length ? this.#start : 0
    for (; evaluated < nodes.length && fitting.length < enough; evaluated += 1) {
      const node = nodes[place] as NodeInfo
      const refusal = this.#refusalOf(node, asking, filters)
      if (refusal) {
        this.#refusals[place] = refusal
        if (refused.length < MOST_TOLD) refused.push([node, refusal])
      } else fitting.push(node)
      place = place + 1 < nodes.length ? place + 1 : 0
    }
    this.#start = place
    return { fitting, evaluated, refused }
  }

  /** Every node has just refused. */
  #nowhere(nodes: number): Placement {
    const counts = new Map<string, number>()
    const refusedBy = new Set<SchedulingPlugin>(nodes === 0 ? [someNode] : [])
    const refusers = this.#refusals
    refusers.length = nodes
    let alike = 0
    for (const [place, refusal] of refusers.entries()) {
      alike += 1
      if (refusal === refusers[place + 1]) continue
      refusedBy.add(refusal.plugin)
      if (typeof refusal.sentences === 'string') countRefusal(counts, refusal.sentences, alike)
      else for (const sentence of refusal.sentences) countRefusal(counts, sentence, alike)
      alike = 0
    }
    return { node: undefined, message: explain(nodes, counts), refusedBy, refusers }
  }

  /**
   * A question that stays right while pods are taken away and put back: whether the pod fits on a node as the picture is when it is asked.
   * What no pod's leaving can help is asked once a node. Rules that refuse even so are put down in `refusedBy`.
   */
  fitsAfterRemoval(info: PodInfo, cluster: ClusterState, refusedBy = new Set<SchedulingPlugin>()): (node: NodeInfo) => boolean {
    const asking = { info, cluster, rules: this.#profile }
    const bind = (helped: boolean) => this.#bind(asking).filter(({ plugin }) => (plugin.helpedByRemoval ?? false) === helped)
    const lasting = bind(false)
    const changing = bind(true)
    const hopeless = new Map<NodeInfo, boolean>()
    return (node) => {
      let isHopeless = hopeless.get(node)
      if (isHopeless === undefined) hopeless.set(node, (isHopeless = firstRefusal(node, lasting) !== undefined))
      if (isHopeless) return false
      const refusal = this.#refusalOf(node, asking, changing)
      if (refusal) refusedBy.add(refusal.plugin)
      return refusal === undefined
    }
  }

  #bind({ info, cluster, rules }: Asking): BoundPlugin[] {
    return rules.flatMap(({ plugin }) => {
      const bound = plugin.filter?.(info, cluster)
      return bound ? [{ plugin, bound, last: undefined }] : []
    })
  }

  /** Room that is being made for others of the same or higher priority is taken; and the pod must not lean on them, who are not there yet. */
  #refusalOf(node: NodeInfo, asking: Asking, filters: readonly BoundPlugin[]): Refusal | undefined {
    const { info, cluster } = asking
    if (cluster.nominations.size === 0) return firstRefusal(node, filters)
    const nominated = cluster.nominations.on(node.name)
    if (nominated.size === 0) return firstRefusal(node, filters)
    const others: PodInfo[] = []
    for (const other of nominated.values()) if (other.uid !== info.uid && other.priority >= info.priority) others.push(other)
    if (others.length === 0) return firstRefusal(node, filters)
    for (const other of others) cluster.putBack(node, other)
    // A rule that had nothing to say of the pod may have with them there.
    const refusal = firstRefusal(node, others.some(({ hasAffinity }) => hasAffinity) ? this.#bind(asking) : filters)
    for (const other of others) cluster.withdraw(node, other)
    return refusal ?? firstRefusal(node, filters)
  }

  #best({ info, cluster, rules }: Asking, candidates: readonly NodeInfo[]): NodeInfo {
    const { length } = candidates
    if (this.#totals.length < length) {
      this.#totals = new Float64Array(length)
      this.#scores = new Float64Array(length)
    }
    const totals = this.#totals.subarray(0, length).fill(0)
    const scores = this.#scores.subarray(0, length)
    for (const { plugin, weight } of rules) {
      const bound = plugin.score?.(info, cluster, candidates)
      if (!bound) continue
      bound(candidates, scores)
      normalize(scores, plugin.normalize ?? 'none')
      for (let index = 0; index < length; index += 1) totals[index] = (totals[index] as number) + (scores[index] as number) * weight
    }
    return candidates[highestOf(totals, this.#random)] as NodeInfo
  }
}

/** Equal scores are common; a fair draw keeps them from piling up on the first node. */
function highestOf(totals: Float64Array, random: Random): number {
  let highest = Number.NEGATIVE_INFINITY
  for (const total of totals) if (total > highest) highest = total
  const enough = highest - 1e-9
  let equal = 0
  for (const total of totals) if (total >= enough) equal += 1
  let skipped = Math.floor(random.fraction() * equal)
  return totals.findIndex((total) => total >= enough && skipped-- === 0)
}

function firstRefusal(node: NodeInfo, filters: readonly BoundPlugin[]): Refusal | undefined {
  for (const filter of filters) {
    const sentences = filter.bound(node)
    if (sentences === undefined) continue
    if (filter.last?.sentences !== sentences) filter.last = { plugin: filter.plugin, sentences }
    return filter.last
  }
  return undefined
}

/** Brings a rule's points to 0–100; with `highestIs0` few points are good, and the best gets 100 less what even it has. */
function normalize(scores: Float64Array, how: NonNullable<Weighted['plugin']['normalize']>): void {
  if (how === 'none') return
  let highest = Number.NEGATIVE_INFINITY
  let lowest = Number.POSITIVE_INFINITY
  for (const score of scores) {
    if (Number.isNaN(score)) continue
    if (score > highest) highest = score
    if (score < lowest) lowest = score
  }
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] as number
    if (Number.isNaN(score)) scores[index] = 0
    else if (how === 'spanTo100') scores[index] = highest === lowest ? 0 : ((score - lowest) * 100) / (highest - lowest)
    else if (highest <= 0) scores[index] = how === 'highestIs0' ? 100 : 0
    else scores[index] = ((how === 'highestIs100' ? score : highest + lowest - score) * 100) / highest
  }
}
