import type { NodeInfo } from '../node-info.ts'
import { LabelColumn } from './label-column.ts'

/** The columns of those labels that somebody reckons with; who takes one gives it back. */
export class LabelColumns {
  readonly #nodes: ReadonlySet<NodeInfo>
  readonly #columns = new Map<string, LabelColumn>()

  constructor(nodes: ReadonlySet<NodeInfo>) {
    this.#nodes = nodes
  }

  take(key: string): LabelColumn {
    const column = this.#columns.get(key) ?? new LabelColumn(key, this.#nodes)
    this.#columns.set(key, column)
    column.users += 1
    return column
  }

  has(key: string): boolean {
    return this.#columns.has(key)
  }

  release(column: LabelColumn): void {
    column.users -= 1
    if (column.users === 0) this.#columns.delete(column.key)
  }

  add(node: NodeInfo): void {
    for (const column of this.#columns.values()) column.add(node)
  }

  remove(node: NodeInfo): void {
    for (const column of this.#columns.values()) column.remove(node)
  }
}
