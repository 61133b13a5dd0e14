import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Domains } from './domains.ts'
import { NO_VALUE } from './node-numbers.ts'

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
  /** By domain. A byte each, as long as none holds more: there may be thousands of these with thousands of hosts. */
  #counts: Uint8Array | Int32Array
  /** How many domains have any. */
  #occupied = 0
  /** How many domains have so many of the pods, those with none left out. */
  readonly #domainsWith = new Map<number, number>()
  /** No domain that has any has fewer. */
  #floor = 1

  constructor(question: PodQuestion, domains: Domains) {
    this.question = question
    this.domains = domains
    this.#counts = new Uint8Array(domains.column.end)
  }

  /** By `domains.column.of(node)`; none are where the label is lacking. */
  in(domain: number): number {
    return this.#counts[domain] ?? 0
  }

  /** There is no such pod in any domain. */
  get empty(): boolean {
    return this.#occupied === 0
  }

  /** The count of the domain with the fewest. */
  least(): number {
    if (this.#occupied < this.domains.size || this.#occupied === 0) return 0
    while (!this.#domainsWith.has(this.#floor)) this.#floor += 1
    return this.#floor
  }

  /** A pod came to the node (1) or left it (-1). */
  change(node: NodeInfo, info: PodInfo, by: 1 | -1): void {
    const domain = this.domains.of(node)
    if (domain === NO_VALUE || !this.question.holds(info)) return
    const before = this.in(domain)
    const after = before + by
    this.#set(domain, after)
    if (before === 0) this.#occupied += 1
    else if (after === 0) this.#occupied -= 1
    this.#shift(before, -1)
    this.#shift(after, 1)
    if (after > 0 && after < this.#floor) this.#floor = after
  }

  #set(domain: number, count: number): void {
    const isWider = count > LARGEST_BYTE && this.#counts instanceof Uint8Array
    if (domain >= this.#counts.length || isWider) {
      const { length } = this.#counts
      const size = domain < length ? length : Math.max(domain + 1, this.domains.column.end)
      const next = isWider || this.#counts instanceof Int32Array ? new Int32Array(size) : new Uint8Array(size)
      next.set(this.#counts)
      this.#counts = next
    }
    this.#counts[domain] = count
  }

  #shift(count: number, by: 1 | -1): void {
    if (count === 0) return
    const domains = (this.#domainsWith.get(count) ?? 0) + by
    if (domains === 0) this.#domainsWith.delete(count)
    else this.#domainsWith.set(count, domains)
  }
}

const LARGEST_BYTE = 255
