import type { Pass } from './passes.ts'

/** Element → what it leads to; empty text in a set. */
export type Elements = ReadonlyMap<string, string>

/** What has to be done to a table: each part is empty where nothing is to be done. */
export interface TableChange {
  readonly newSets: readonly string[]
  readonly newChains: ReadonlyMap<string, readonly Pass[]>
  /** By set or map. An element whose value changes is in both. */
  readonly gone: ReadonlyMap<string, Elements>
  readonly come: ReadonlyMap<string, Elements>
  readonly goneChains: readonly string[]
  readonly goneSets: readonly string[]
}

/**
 * What the table should hold, and what changed since somebody took the changes. What changes and changes back costs nothing. Sets and
 * chains have the names of their content (`contentName`): one that goes and comes again is the same.
 */
export class TableState {
  readonly #constant: readonly string[]
  readonly #sets = new Map<string, Map<string, string>>()
  readonly #chains = new Map<string, readonly Pass[]>()
  /** As it was when the changes were last taken; of what was touched since. */
  #setsBefore = new Map<string, boolean>()
  #chainsBefore = new Map<string, boolean>()
  #elementsBefore = new Map<string, Map<string, string | undefined>>()

  /** @param constant sets and maps that are always there */
  constructor(constant: readonly string[]) {
    this.#constant = constant
    for (const name of constant) this.#sets.set(name, new Map())
  }

  addSet(name: string): void {
    if (!this.#setsBefore.has(name)) this.#setsBefore.set(name, this.#sets.has(name))
    if (!this.#sets.has(name)) this.#sets.set(name, new Map())
  }

  removeSet(name: string): void {
    if (!this.#setsBefore.has(name)) this.#setsBefore.set(name, true)
    for (const element of this.#sets.get(name)?.keys() ?? []) this.put(name, element, undefined)
    this.#sets.delete(name)
  }

  addChain(name: string, passes: readonly Pass[]): void {
    if (!this.#chainsBefore.has(name)) this.#chainsBefore.set(name, this.#chains.has(name))
    this.#chains.set(name, passes)
  }

  removeChain(name: string): void {
    if (!this.#chainsBefore.has(name)) this.#chainsBefore.set(name, true)
    this.#chains.delete(name)
  }

  /** @param value undefined: the element is taken out */
  put(set: string, element: string, value: string | undefined): void {
    const elements = this.#sets.get(set)
    if (!elements) throw new Error(`the table has no set ${set}`)
    let before = this.#elementsBefore.get(set)
    if (!before) this.#elementsBefore.set(set, (before = new Map()))
    if (!before.has(element)) before.set(element, elements.get(element))
    if (value === undefined) elements.delete(element)
    else elements.set(element, value)
  }

  /** Everything, as the making of a table that holds nothing but the constant sets. */
  whole(): TableChange {
    return {
      newSets: [...this.#sets.keys()].filter((name) => !this.#constant.includes(name)),
      ...{ newChains: new Map(this.#chains), come: new Map(Array.from(this.#sets, ([name, elements]) => [name, new Map(elements)])) },
      ...{ gone: new Map(), goneChains: [], goneSets: [] },
    }
  }

  /** What changed since the last call. */
  take(): TableChange {
    const goneSets = [...this.#setsBefore].flatMap(([name, was]) => (was && !this.#sets.has(name) ? [name] : []))
    const newSets = [...this.#setsBefore].flatMap(([name, was]) => (!was && this.#sets.has(name) ? [name] : []))
    const goneChains = [...this.#chainsBefore].flatMap(([name, was]) => (was && !this.#chains.has(name) ? [name] : []))
    const newChains = new Map<string, readonly Pass[]>()
    for (const [name, was] of this.#chainsBefore) {
      const passes = this.#chains.get(name)
      if (!was && passes) newChains.set(name, passes)
    }
    const gone = new Map<string, Elements>()
    const come = new Map<string, Elements>()
    for (const [name, before] of this.#elementsBefore) {
      const now = this.#sets.get(name)
      const changed = [...before].filter(([element, was]) => was !== now?.get(element))
      const old = changed.flatMap(([element, was]): [string, string][] => (was === undefined ? [] : [[element, was]]))
      const next = changed.flatMap(([element]): [string, string][] => {
        const value = now?.get(element)
        return value === undefined ? [] : [[element, value]]
      })
      // Its elements go with a set.
      if (old.length > 0 && now) gone.set(name, new Map(old))
      if (next.length > 0) come.set(name, new Map(next))
    }
    this.#setsBefore = new Map()
    this.#chainsBefore = new Map()
    this.#elementsBefore = new Map()
    return { newSets, newChains, gone, come, goneChains, goneSets }
  }
}
