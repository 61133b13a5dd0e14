import type { NodeInfo } from '../node-info.ts'
import type { AffinityTerm, PodInfo } from '../pod-info.ts'
import { marksOf } from './affinity-term.ts'
import type { LabelColumn } from './label-column.ts'
import type { LabelColumns } from './label-columns.ts'
import { MarkIndex } from './mark-index.ts'

/** The same term of any number of placed pods. */
export interface StandingTerm {
  readonly term: AffinityTerm
  readonly points: number
  /** The topology key's. */
  readonly column: LabelColumn
  /** Where they are: the column's value → how many. Lives: pods may come and go while somebody looks. */
  readonly domains: ReadonlyMap<number, number>
}

interface Group extends StandingTerm {
  readonly key: string
  readonly domains: Map<number, number>
}

/** What the pods that are placed already say about newcomers, by domain. */
export class StandingTerms {
  readonly #groups = new Map<string, Group>()
  readonly #index = new MarkIndex<Group>()
  readonly #emptied = new Set<Group>()
  readonly #columns: LabelColumns

  constructor(columns: LabelColumns) {
    this.#columns = columns
  }

  change(node: NodeInfo, term: AffinityTerm, points: number, by: 1 | -1): void {
    if (node.label(term.topologyKey) === undefined) return
    const key = `${points} ${term.topologyKey} ${term.about}`
    const group = this.#groups.get(key) ?? this.#begin(key, term, points)
    const domain = group.column.of(node)
    const count = (group.domains.get(domain) ?? 0) + by
    if (count > 0) group.domains.set(domain, count)
    else group.domains.delete(domain)
    if (group.domains.size === 0) this.#emptied.add(group)
  }

  /** Those that may be about the pod, where somebody stands who says so. */
  about(info: PodInfo, isAbout: (term: AffinityTerm) => boolean): StandingTerm[] {
    const found: StandingTerm[] = []
    if (this.#groups.size === 0) return found
    this.#index.visit(info, (group) => {
      if (group.domains.size > 0 && isAbout(group.term)) found.push(group)
    })
    return found
  }

  /** Forgets terms that nobody has any longer. Not while somebody looks: who comes back must be seen. */
  sweep(): void {
    for (const group of this.#emptied) {
      if (group.domains.size > 0) continue
      this.#groups.delete(group.key)
      this.#index.delete(group)
      this.#columns.release(group.column)
    }
    this.#emptied.clear()
  }

  #begin(key: string, term: AffinityTerm, points: number): Group {
    const group: Group = { key, term, points, column: this.#columns.take(term.topologyKey), domains: new Map() }
    this.#groups.set(key, group)
    this.#index.add(group, marksOf([term]))
    return group
  }
}
