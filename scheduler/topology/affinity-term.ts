import type { AffinityTerm, PodInfo } from '../pod-info.ts'
import { localMark, mark } from './mark-index.ts'
import type { PodQuestion } from './pod-counts.ts'

export type NamespaceLabels = ReadonlyMap<string, Readonly<Record<string, string>>>

/** Whether a term is about this pod: its namespace and its labels match. */
export function concerns(term: AffinityTerm, info: PodInfo, namespaceLabels: NamespaceLabels): boolean {
  if (!term.namespaces.has(info.namespace)) {
    if (!term.namespaceSelector?.matches(namespaceLabels.get(info.namespace) ?? {})) return false
  }
  return term.selector.matches(info.labels)
}

/** What every pod carries that all the terms are about. */
export function marksOf(terms: readonly AffinityTerm[]): string[] {
  return terms.flatMap(({ selector, namespaces, namespaceSelector }) => {
    const [namespace] = namespaces
    const isLocal = namespaces.size === 1 && namespaceSelector === undefined
    return selector.requirements.flatMap(({ key }) => {
      const value = selector.requiredValue(key)
      return value === undefined ? [] : [isLocal ? localMark(namespace ?? '', key, value) : mark(key, value)]
    })
  })
}

/** Pods that all the terms are about: the terms of one pod's affinity are one group. */
export function concernedByAll(terms: readonly AffinityTerm[], namespaceLabels: NamespaceLabels): PodQuestion {
  return {
    text: terms.map(({ about }) => about).join(' and '),
    marks: marksOf(terms),
    asksNamespaces: terms.some(({ namespaceSelector }) => namespaceSelector !== undefined),
    holds: (info) => terms.every((term) => concerns(term, info, namespaceLabels)),
  }
}
