import type { SchedulingPlugin } from './framework.ts'

const nobody: ReadonlySet<SchedulingPlugin> = new Set()

/** Those who wait for a change, filed by the rules that refused them: a change that no such rule names costs nothing, however many wait. */
export class Sleepers<T> {
  readonly #refusedBy = new Map<T, ReadonlySet<SchedulingPlugin>>()
  readonly #byRule = new Map<SchedulingPlugin, Set<T>>()
  readonly #ofNobody = new Set<T>()

  get byRule(): ReadonlyMap<SchedulingPlugin, ReadonlySet<T>> {
    return this.#byRule
  }

  /** Whom no rule refused. */
  get ofNobody(): ReadonlySet<T> {
    return this.#ofNobody
  }

  add(one: T, refusedBy: ReadonlySet<SchedulingPlugin>): void {
    this.delete(one)
    this.#refusedBy.set(one, refusedBy)
    if (refusedBy.size === 0) this.#ofNobody.add(one)
    for (const rule of refusedBy) {
      const filed = this.#byRule.get(rule)
      if (filed) filed.add(one)
      else this.#byRule.set(rule, new Set([one]))
    }
  }

  delete(one: T): void {
    for (const rule of this.#refusedBy.get(one) ?? nobody) {
      const filed = this.#byRule.get(rule)
      filed?.delete(one)
      if (filed?.size === 0) this.#byRule.delete(rule)
    }
    this.#ofNobody.delete(one)
    this.#refusedBy.delete(one)
  }
}
