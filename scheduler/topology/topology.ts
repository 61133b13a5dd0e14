import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { allNodes, Domains, type Eligibility } from './domains.ts'
import { LabelColumns } from './label-columns.ts'
import { MarkIndex } from './mark-index.ts'
import { PodCounts, type PodQuestion } from './pod-counts.ts'
import { StandingTerms } from './standing-terms.ts'

/** So many counts are kept; then those of the older half go that were not asked for since, and would be counted anew. */
const MOST_COUNTS = 5_000

/**
 * Who is where, by the values of node labels. What a rule asks once is counted once over all pods and kept up to date from then on: a decision costs
 * what it looks at, not what the cluster holds. Answers live: they are right also while pods are taken away and put back.
 */
export class Topology {
  readonly #nodes = new Set<NodeInfo>()
  readonly #columns = new LabelColumns(this.#nodes)
  readonly #domains = new Map<string, Domains>()
  readonly #counts = new Map<string, PodCounts>()
  readonly #index = new MarkIndex<PodCounts>()
  #asked = 0
  /** Required anti-affinity of placed pods. */
  readonly repelling = new StandingTerms(this.#columns)
  /** Their required affinity: what a newcomer that they want near gets by it, the policy says. */
  readonly attracting = new StandingTerms(this.#columns)
  /** Their preferences, with the points they give a newcomer. */
  readonly weighing = new StandingTerms(this.#columns)

  /** Pods by the value of the label `key`, over the nodes that count. Keep it no longer than one decision. */
  counts(question: PodQuestion, key: string, eligibility: Eligibility = allNodes): PodCounts {
    const text = `${key} ${question.text} ${eligibility.text}`
    const known = this.#counts.get(text)
    if (known) {
      known.lastAsked = ++this.#asked
      return known
    }
    const counts = new PodCounts(question, this.#domainsOf(key, eligibility))
    for (const node of this.#nodes) for (const info of node.pods.values()) counts.change(node, info, 1)
    counts.lastAsked = ++this.#asked
    this.#counts.set(text, counts)
    this.#index.add(counts, question.marks)
    if (this.#counts.size > MOST_COUNTS) this.#forgetOld()
    return counts
  }

  addNode(node: NodeInfo): void {
    this.#nodes.add(node)
    this.#columns.add(node)
    for (const domains of this.#domains.values()) domains.add(node)
    for (const info of node.pods.values()) this.addPod(node, info)
  }

  /** Before anything about the node changes. */
  removeNode(node: NodeInfo): void {
    for (const info of node.pods.values()) this.removePod(node, info)
    for (const domains of this.#domains.values()) domains.remove(node)
    this.#columns.remove(node)
    this.#nodes.delete(node)
  }

  addPod(node: NodeInfo, info: PodInfo): void {
    this.#change(node, info, 1)
  }

  removePod(node: NodeInfo, info: PodInfo): void {
    this.#change(node, info, -1)
  }

  /** What was counted by the labels of namespaces is counted anew. */
  namespaceChanged(): void {
    for (const [text, { question }] of this.#counts) if (question.asksNamespaces) this.#forget(text)
  }

  /** Whether anything is counted, or said by a placed pod, by the values of this label. */
  reckonsWith(key: string): boolean {
    return this.#columns.has(key)
  }

  sweep(): void {
    this.repelling.sweep()
    this.attracting.sweep()
    this.weighing.sweep()
  }

  #change(node: NodeInfo, info: PodInfo, by: 1 | -1): void {
    if (this.#counts.size > 0) this.#index.visit(info, (counts) => counts.change(node, info, by))
    if (!info.hasAffinity) return
    const { required, preferred, requiredAnti, preferredAnti } = info.affinity
    for (const term of requiredAnti) this.repelling.change(node, term, 0, by)
    for (const term of required) this.attracting.change(node, term, 0, by)
    for (const term of preferred) this.weighing.change(node, term, term.weight, by)
    for (const term of preferredAnti) this.weighing.change(node, term, term.weight, by)
  }

  #domainsOf(key: string, eligibility: Eligibility): Domains {
    const text = `${key} ${eligibility.text}`
    const domains = this.#domains.get(text) ?? new Domains(this.#columns.take(key), eligibility, this.#nodes)
    this.#domains.set(text, domains)
    domains.users += 1
    return domains
  }

  #forgetOld(): void {
    const stamps = [...this.#counts.values()].map(({ lastAsked }) => lastAsked).sort((left, right) => left - right)
    const middle = stamps[stamps.length >> 1] ?? 0
    for (const [text, { lastAsked }] of this.#counts) if (lastAsked < middle) this.#forget(text)
  }

  #forget(text: string): void {
    const counts = this.#counts.get(text)
    if (!counts) return
    this.#counts.delete(text)
    this.#index.delete(counts)
    counts.domains.users -= 1
    if (counts.domains.users > 0) return
    this.#columns.release(counts.domains.column)
    for (const [each, domains] of this.#domains) if (domains === counts.domains) this.#domains.delete(each)
  }
}
