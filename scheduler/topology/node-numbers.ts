import type { NodeInfo } from '../node-info.ts'

/** What stands for the value of a node that lacks the label. */
export const NO_VALUE = 0

/** A whole number for each node, kept by the node's slot; `NO_VALUE` where none was put. */
export class NodeNumbers {
  #numbers = new Int32Array(64)

  of({ slot }: NodeInfo): number {
    return this.#numbers[slot] ?? NO_VALUE
  }

  set({ slot }: NodeInfo, number: number): void {
    if (slot >= this.#numbers.length) {
      const longer = new Int32Array(Math.max(this.#numbers.length * 2, slot + 1))
      longer.set(this.#numbers)
      this.#numbers = longer
    }
    this.#numbers[slot] = number
  }
}
