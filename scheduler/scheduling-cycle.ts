import type { Random } from '../shared/random/random.ts'
import type { ClusterState } from './cluster-state.ts'
import { countRefusal, explain, explainForAll } from './explain.ts'
import type { BoundFilter, SchedulingPlugin } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Weighted } from './profile.ts'

/** Where the pod goes, or why it goes nowhere. */
export type Placement =
  | { node: NodeInfo; evaluated: number }
  | { node: undefined; message: string; refusedBy: ReadonlySet<string>; refusers: Refusers }

/** The rule that refused each node, in the order of `ClusterState.list`. */
export type Refusers = readonly (SchedulingPlugin | undefined)[]

interface BoundPlugin {
  readonly plugin: SchedulingPlugin
  readonly bound: BoundFilter
}

/** Below this many nodes all are looked at. */
const SMALL_CLUSTER = 100
const SMALLEST_PERCENTAGE = 5

/** How many nodes that fit are enough: large clusters are sampled, as upstream does by default (50 % less 1 % per 125 nodes, at least 5 %). */
export function enoughNodes(total: number): number {
  if (total < SMALL_CLUSTER) return total
  const percentage = Math.max(50 - Math.floor(total / 125), SMALLEST_PERCENTAGE)
  return Math.max(Math.floor((total * percentage) / 100), SMALL_CLUSTER)
}

/** One decision at a time: filter, score, choose. Synchronous and free of effects but for the place where the next search starts. */
export class SchedulingCycle {
  readonly #profile: readonly Weighted[]
  readonly #random: Random
  #start = 0

  constructor(profile: readonly Weighted[], random: Random) {
    this.#profile = profile
    this.#random = random
  }

  place(info: PodInfo, cluster: ClusterState): Placement {
    const nodes = cluster.list()
    for (const { plugin } of nodes.length > 0 ? this.#profile : []) {
      const sentence = plugin.preFilter?.(info, cluster)
      if (sentence === undefined) continue
      return { node: undefined, message: explainForAll(nodes.length, sentence), refusedBy: new Set([plugin.name]), refusers: [] }
    }
    // The room that was made for it: nobody else's would be cheaper.
    const nominated = cluster.nominationOf(info.uid)
    if (nominated && !this.#refusalOf(nominated, info, cluster, this.#bind(info, cluster))) return { node: nominated, evaluated: 1 }
    const { fitting, refusals, refusedBy, refusers, evaluated } = this.#filter(info, cluster, nodes)
    if (fitting.length === 0) {
      return { node: undefined, message: explain(nodes.length, refusals), refusedBy, refusers }
    }
    return { node: fitting.length === 1 && fitting[0] ? fitting[0] : this.#best(info, cluster, fitting), evaluated }
  }

  #filter(info: PodInfo, cluster: ClusterState, nodes: readonly NodeInfo[]) {
    const filters = this.#bind(info, cluster)
    const enough = enoughNodes(nodes.length)
    const fitting: NodeInfo[] = []
    const refusals = new Map<string, number>()
    const refusedBy = new Set<string>()
    let refusers: (SchedulingPlugin | undefined)[] = []
    let evaluated = 0
    for (; evaluated < nodes.length && fitting.length < enough; evaluated += 1) {
      const place = (this.#start + evaluated) % nodes.length
      const node = nodes[place]
      if (!node) break
      const refusal = this.#refusalOf(node, info, cluster, filters)
      if (!refusal) {
        fitting.push(node)
        continue
      }
      const { plugin, sentences } = refusal
      if (refusers.length === 0) refusers = new Array<SchedulingPlugin | undefined>(nodes.length)
      refusers[place] = plugin
      refusedBy.add(plugin.name)
      if (typeof sentences === 'string') countRefusal(refusals, sentences)
      else for (const sentence of sentences) countRefusal(refusals, sentence)
    }
    this.#start = nodes.length === 0 ? 0 : (this.#start + evaluated) % nodes.length
    return { fitting, refusals, refusedBy, refusers, evaluated }
  }

  /**
   * A question that stays right while pods are taken away and put back: whether the pod fits on a node as the picture is when it is asked.
   * What no pod's leaving can help is asked once a node.
   */
  fitsAfterRemoval(info: PodInfo, cluster: ClusterState): (node: NodeInfo) => boolean {
    const bind = (helped: boolean) => this.#bind(info, cluster).filter(({ plugin }) => (plugin.helpedByRemoval ?? false) === helped)
    const lasting = bind(false)
    const once = bind(true)
    const isCounting = once.some(({ plugin }) => plugin.countsPods)
    const hopeless = new Map<NodeInfo, boolean>()
    return (node) => {
      let isHopeless = hopeless.get(node)
      if (isHopeless === undefined) hopeless.set(node, (isHopeless = firstRefusal(node, lasting) !== undefined))
      return !isHopeless && this.#refusalOf(node, info, cluster, isCounting ? bind(true) : once) === undefined
    }
  }

  #bind(info: PodInfo, cluster: ClusterState): BoundPlugin[] {
    return this.#profile.flatMap(({ plugin }) => {
      const bound = plugin.filter?.(info, cluster)
      return bound ? [{ plugin, bound }] : []
    })
  }

  /** Room that is being made for others of the same or higher priority is taken; and the pod must not lean on them, who are not there yet. */
  #refusalOf(node: NodeInfo, info: PodInfo, cluster: ClusterState, filters: readonly BoundPlugin[]) {
    const nominated = cluster.nominations.on(node.name)
    if (nominated.size === 0) return firstRefusal(node, filters)
    const others = [...nominated.values()].filter(({ uid, priority }) => uid !== info.uid && priority >= info.priority)
    if (others.length === 0) return firstRefusal(node, filters)
    for (const other of others) cluster.putBack(node, other)
    const names = new Set(filters.map(({ plugin }) => plugin))
    const refusal = firstRefusal(
      node,
      this.#bind(info, cluster).filter(({ plugin }) => names.has(plugin) || plugin.countsPods),
    )
    for (const other of others) cluster.withdraw(node, other)
    return refusal ?? firstRefusal(node, filters)
  }

  #best(info: PodInfo, cluster: ClusterState, candidates: readonly NodeInfo[]): NodeInfo {
    const totals = new Float64Array(candidates.length)
    for (const { plugin, weight } of this.#profile) {
      const bound = plugin.score?.(info, cluster, candidates)
      if (!bound) continue
      const scores = new Float64Array(candidates.length)
      for (let index = 0; index < candidates.length; index += 1) scores[index] = bound(candidates[index] as NodeInfo)
      normalize(scores, plugin.normalize ?? 'none')
      for (let index = 0; index < scores.length; index += 1) totals[index] = (totals[index] as number) + (scores[index] as number) * weight
    }
    let highest = Number.NEGATIVE_INFINITY
    for (const total of totals) if (total > highest) highest = total
    // Equal scores are common; a fair draw keeps them from piling up on the first node.
    const top = candidates.filter((_, index) => (totals[index] ?? 0) >= highest - 1e-9)
    const drawn = top[Math.floor(this.#random.fraction() * top.length)] ?? top[0]
    if (!drawn) throw new Error('no candidate to choose from')
    return drawn
  }
}

function firstRefusal(node: NodeInfo, filters: readonly BoundPlugin[]) {
  for (const { plugin, bound } of filters) {
    const sentences = bound(node)
    if (sentences !== undefined) return { plugin, sentences }
  }
  return undefined
}

/** Brings a rule's points to 0–100; with `highestIs0` few points are good, and the best gets 100 less what even it has. */
function normalize(scores: Float64Array, how: NonNullable<Weighted['plugin']['normalize']>): void {
  if (how === 'none') return
  let highest = Number.NEGATIVE_INFINITY
  let lowest = Number.POSITIVE_INFINITY
  for (const score of scores) {
    if (score > highest) highest = score
    if (score < lowest) lowest = score
  }
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] as number
    if (how === 'spanTo100') scores[index] = highest === lowest ? 0 : ((score - lowest) * 100) / (highest - lowest)
    else if (highest <= 0) scores[index] = how === 'highestIs0' ? 100 : 0
    else scores[index] = ((how === 'highestIs100' ? score : highest + lowest - score) * 100) / highest
  }
}
