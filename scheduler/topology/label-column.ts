import type { NodeInfo } from '../node-info.ts'
import { NO_VALUE, NodeNumbers } from './node-numbers.ts'

/**
 * The values that one label has on the nodes, as small whole numbers from 1: what is counted by them is kept in arrays, and no text is looked up for each
 * node of each decision. The number of a value that no node has any longer is given to another.
 */
export class LabelColumn {
  readonly key: string
  /** How many reckon with it. */
  users = 0
  readonly #numbers = new Map<string, number>()
  readonly #nodesWith: number[] = [0]
  readonly #free: number[] = []
  readonly #values = new NodeNumbers()

  constructor(key: string, nodes: Iterable<NodeInfo>) {
    this.key = key
    for (const node of nodes) this.add(node)
  }

  /** All numbers are below it. */
  get end(): number {
    return this.#nodesWith.length
  }

  of(node: NodeInfo): number {
    return this.#values.of(node)
  }

  add(node: NodeInfo): void {
    const value = node.label(this.key)
    if (value === undefined) return
    const number = this.#numbers.get(value) ?? this.#begin(value)
    this.#nodesWith[number] = (this.#nodesWith[number] ?? 0) + 1
    this.#values.set(node, number)
  }

  /** While the node still has the labels with which it was added. */
  remove(node: NodeInfo): void {
    const number = this.of(node)
    if (number === NO_VALUE) return
    this.#values.set(node, NO_VALUE)
    const left = (this.#nodesWith[number] ?? 0) - 1
    this.#nodesWith[number] = left
    if (left > 0) return
    this.#numbers.delete(node.label(this.key) ?? '')
    this.#free.push(number)
  }

  #begin(value: string): number {
    const number = this.#free.pop() ?? this.#nodesWith.push(0) - 1
    this.#numbers.set(value, number)
    return number
  }
}
