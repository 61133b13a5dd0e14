import type { NodeInfo } from '../node-info.ts'

/** Which nodes count. */
export interface Eligibility {
  /** Same text, same nodes. */
  readonly text: string
  readonly holds: (node: NodeInfo) => boolean
}

export const allNodes: Eligibility = { text: '', holds: () => true }

/** The values that a label has on the nodes that count, kept up to date as nodes come, change and go. */
export class Domains {
  readonly #key: string
  readonly #eligibility: Eligibility
  readonly #of = new Map<NodeInfo, string>()
  readonly #sizes = new Map<string, number>()
  /** How many counts are kept by these domains. */
  users = 0

  constructor(key: string, eligibility: Eligibility, nodes: Iterable<NodeInfo>) {
    this.#key = key
    this.#eligibility = eligibility
    for (const node of nodes) this.add(node)
  }

  /** How many there are. */
  get size(): number {
    return this.#sizes.size
  }

  /** The node's domain as it was when the node was added; undefined: it does not count, or lacks the label. */
  of(node: NodeInfo): string | undefined {
    return this.#of.get(node)
  }

  add(node: NodeInfo): void {
    const domain = node.label(this.#key)
    if (domain === undefined || !this.#eligibility.holds(node)) return
    this.#of.set(node, domain)
    this.#sizes.set(domain, (this.#sizes.get(domain) ?? 0) + 1)
  }

  remove(node: NodeInfo): void {
    const domain = this.#of.get(node)
    if (domain === undefined) return
    this.#of.delete(node)
    const left = (this.#sizes.get(domain) ?? 0) - 1
    if (left > 0) this.#sizes.set(domain, left)
    else this.#sizes.delete(domain)
  }
}
