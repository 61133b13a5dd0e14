import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Domains } from './domains.ts'

/** Which pods are counted. */
export interface PodQuestion {
  /** Same text, same pods. */
  readonly text: string
  /** What each of these pods carries (see `MarkIndex`); empty when nothing so simple can be said. */
  readonly marks: readonly string[]
  /** The answer depends on the labels of namespaces. */
  readonly asksNamespaces: boolean
  readonly holds: (info: PodInfo) => boolean
}

/** How many pods a question is about, by domain; kept up to date as pods come and go, so that no decision has to count. */
export class PodCounts {
  readonly question: PodQuestion
  readonly domains: Domains
  /** When somebody asked last, in questions. */
  lastAsked = 0
  readonly #counts = new Map<string, number>()
  /** How many domains have so many of the pods, those with none left out. */
  readonly #domainsWith = new Map<number, number>()
  /** No domain that has any has fewer. */
  #floor = 1

  constructor(question: PodQuestion, domains: Domains) {
    this.question = question
    this.domains = domains
  }

  in(domain: string): number {
    return this.#counts.get(domain) ?? 0
  }

  /** There is no such pod in any domain. */
  get empty(): boolean {
    return this.#counts.size === 0
  }

  /** The count of the domain with the fewest. */
  least(): number {
    if (this.#counts.size < this.domains.size || this.#counts.size === 0) return 0
    while (!this.#domainsWith.has(this.#floor)) this.#floor += 1
    return this.#floor
  }

  /** A pod came to the node (1) or left it (-1). */
  change(node: NodeInfo, info: PodInfo, by: 1 | -1): void {
    const domain = this.domains.of(node)
    if (domain === undefined || !this.question.holds(info)) return
    const before = this.#counts.get(domain) ?? 0
    const after = before + by
    if (after > 0) this.#counts.set(domain, after)
    else this.#counts.delete(domain)
    this.#shift(before, -1)
    this.#shift(after, 1)
    if (after > 0 && after < this.#floor) this.#floor = after
  }

  #shift(count: number, by: 1 | -1): void {
    if (count === 0) return
    const domains = (this.#domainsWith.get(count) ?? 0) + by
    if (domains === 0) this.#domainsWith.delete(count)
    else this.#domainsWith.set(count, domains)
  }
}
