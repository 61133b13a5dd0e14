import type { NodeInfo } from '../node-info.ts'
import type { LabelColumn } from './label-column.ts'
import { NO_VALUE, NodeNumbers } from './node-numbers.ts'

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
  /** The number of a node's value if it counts. */
  readonly #numbers = new NodeNumbers()
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
  of(node: NodeInfo): number {
    return this.#numbers.of(node)
  }

  /** After the column has it. */
  add(node: NodeInfo): void {
    const domain = this.column.of(node)
    if (domain === NO_VALUE || !this.#eligibility.holds(node)) return
    this.#numbers.set(node, domain)
    this.#sizes.set(domain, (this.#sizes.get(domain) ?? 0) + 1)
  }

  remove(node: NodeInfo): void {
    const domain = this.of(node)
    if (domain === NO_VALUE) return
    this.#numbers.set(node, NO_VALUE)
    const left = (this.#sizes.get(domain) ?? 0) - 1
    if (left > 0) this.#sizes.set(domain, left)
    else this.#sizes.delete(domain)
  }
}
