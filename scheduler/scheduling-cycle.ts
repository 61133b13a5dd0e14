import type { Random } from '../shared/random/random.ts'
import type { ClusterState } from './cluster-state.ts'
import { explain } from './explain.ts'
import type { Refusal } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Weighted } from './profile.ts'

/** Where the pod goes, or why it goes nowhere. */
export type Placement = { node: NodeInfo; evaluated: number } | { node: undefined; message: string; refusedBy: ReadonlySet<string> }

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
    const { fitting, refusals, evaluated } = this.#filter(info, cluster, nodes)
    if (fitting.length === 0) {
      return { node: undefined, message: explain(nodes.length, refusals), refusedBy: new Set(refusals.map(({ plugin }) => plugin)) }
    }
    return { node: fitting.length === 1 && fitting[0] ? fitting[0] : this.#best(info, cluster, fitting), evaluated }
  }

  #filter(info: PodInfo, cluster: ClusterState, nodes: readonly NodeInfo[]) {
    const filters = this.#profile.flatMap(({ plugin }) => {
      const bound = plugin.filter?.(info, cluster)
      return bound ? [{ plugin: plugin.name, bound }] : []
    })
    const enough = enoughNodes(nodes.length)
    const fitting: NodeInfo[] = []
    const refusals: Refusal[] = []
    let evaluated = 0
    for (; evaluated < nodes.length && fitting.length < enough; evaluated += 1) {
      const node = nodes[(this.#start + evaluated) % nodes.length]
      if (!node) break
      let refused = false
      for (const { plugin, bound } of filters) {
        const sentences = bound(node)
        if (sentences === undefined) continue
        for (const sentence of typeof sentences === 'string' ? [sentences] : sentences) refusals.push({ sentence, plugin })
        refused = true
        break
      }
      if (!refused) fitting.push(node)
    }
    this.#start = nodes.length === 0 ? 0 : (this.#start + evaluated) % nodes.length
    return { fitting, refusals, evaluated }
  }

  #best(info: PodInfo, cluster: ClusterState, candidates: readonly NodeInfo[]): NodeInfo {
    const totals = new Float64Array(candidates.length)
    for (const { plugin, weight } of this.#profile) {
      const bound = plugin.score?.(info, cluster, candidates)
      if (!bound) continue
      const scores = Float64Array.from(candidates, bound)
      normalize(scores, plugin.normalize ?? 'none')
      scores.forEach((score, index) => {
        totals[index] = (totals[index] ?? 0) + score * weight
      })
    }
    const highest = totals.reduce((left, right) => Math.max(left, right), Number.NEGATIVE_INFINITY)
    // Equal scores are common; a fair draw keeps them from piling up on the first node.
    const top = candidates.filter((_, index) => (totals[index] ?? 0) >= highest - 1e-9)
    const drawn = top[Math.floor(this.#random.fraction() * top.length)] ?? top[0]
    if (!drawn) throw new Error('no candidate to choose from')
    return drawn
  }
}

/** Brings a rule's points to 0–100; with `highestIs0` few points are good, and the best gets 100 less what even it has. */
function normalize(scores: Float64Array, how: NonNullable<Weighted['plugin']['normalize']>): void {
  if (how === 'none') return
  const highest = scores.reduce((left, right) => Math.max(left, right), Number.NEGATIVE_INFINITY)
  const lowest = scores.reduce((left, right) => Math.min(left, right), Number.POSITIVE_INFINITY)
  scores.forEach((score, index) => {
    if (how === 'spanTo100') scores[index] = highest === lowest ? 0 : ((score - lowest) * 100) / (highest - lowest)
    else if (highest <= 0) scores[index] = how === 'highestIs0' ? 100 : 0
    else scores[index] = ((how === 'highestIs100' ? score : highest + lowest - score) * 100) / highest
  })
}
