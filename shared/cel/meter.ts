/** The expression would cost more than it may. Not an error of the language: nothing takes it in. */
export class CostExceeded extends Error {
  override readonly name = 'CostExceeded'

  constructor() {
    super('operation cancelled: actual cost limit exceeded')
  }
}

/** Counts what an evaluation costs, and ends it at its budget. */
export class Meter {
  readonly #budget: number
  #spent = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  /** What has been spent so far; not more than the budget. */
  get spent(): number {
    return Math.min(Math.ceil(this.#spent), this.#budget)
  }

  /** To be called before the work is done. @throws CostExceeded */
  charge(cost: number): void {
    this.#spent += cost
    if (this.#spent > this.#budget) throw new CostExceeded()
  }
}

/** What looking at this many characters, bytes or items costs (cel-go's `StringTraversalCostFactor`). */
export function traversal(size: number): number {
  return Math.ceil(size * 0.1)
}
