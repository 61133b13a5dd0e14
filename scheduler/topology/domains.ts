import type { NodeInfo } from '../node-info.ts'
import { type LabelColumn, NO_VALUE, resized } from './label-column.ts'

/** Which nodes count. */
export interface Eligibility {
  /** Same text, same nodes. */
  readonly text: string
  readonly holds: (node: NodeInfo) => boolean
}

export const allNodes: Eligibility = { text: '', holds: () => true }

/** The values that a label has on the nodes that count, kept up to date as nodes come, change and go. */
export class Domains {
  /** Of all nodes, also of those that do not count. */
  readonly column: LabelColumn
  readonly #eligibility: Eligibility
  /** By the node's slot: the number of its value if it counts. */
  #of = new Int32Array(64)
  readonly #sizes = new Map<number, number>()
  /** How many counts are kept by these domains. */
  users = 0

  constructor(column: LabelColumn, eligibility: Eligibility, nodes: Iterable<NodeInfo>) {
    this.column = column
    this.#eligibility = eligibility
    for (const node of nodes) this.add(node)
  }

  /** How many there are. */
  get size(): number {
    return this.#sizes.size
  }

  /** The node's domain as it was when the node was added; NO_VALUE: it does not count, or lacks the label. */
  of({ slot }: NodeInfo): number {
    return this.#of[slot] ?? NO_VALUE
  }

  /** After the column has it. */
  add(node: NodeInfo): void {
    const domain = this.column.of(node)
    if (domain === NO_VALUE || !this.#eligibility.holds(node)) return
    if (node.slot >= this.#of.length) this.#of = resized(this.#of, node.slot)
    this.#of[node.slot] = domain
    this.#sizes.set(domain, (this.#sizes.get(domain) ?? 0) + 1)
  }

  remove(node: NodeInfo): void {
    const domain = this.of(node)
    if (domain === NO_VALUE) return
    this.#of[node.slot] = NO_VALUE
    const left = (this.#sizes.get(domain) ?? 0) - 1
    if (left > 0) this.#sizes.set(domain, left)
    else this.#sizes.delete(domain)
  }
}
