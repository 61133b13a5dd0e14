import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { own } from '../../../shared/objects/own.ts'
import type { Pod, PodAffinityTerm } from '../../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'

const LISTS = [
  ['matchLabelKeys', 'In'],
  ['mismatchLabelKeys', 'NotIn'],
] as const

/**
 * Writes into the selectors of a new pod's affinity terms what `matchLabelKeys` and `mismatchLabelKeys` mean for its labels (KEP-3633): from
 * then on the selectors alone count, whatever becomes of the labels. Keys that the pod does not have say nothing.
 */
export function foldLabelKeys({ metadata: { labels }, spec }: Pod): void {
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) fold(term, labels ?? {})
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) fold(podAffinityTerm, labels ?? {})
  }
}

function fold(term: PodAffinityTerm, labels: Readonly<Record<string, string>>): void {
  const { labelSelector } = term
  // Without a selector the keys are a problem that the rules below name.
  if (labelSelector === undefined) return
  for (const [list, operator] of LISTS) {
    for (const key of term[list] ?? []) {
      const value = own(labels, key)
      if (value !== undefined) (labelSelector.matchExpressions ??= []).push({ key, operator, values: [value] })
    }
  }
}

/** Of one affinity term. */
export function* labelKeysProblems(term: PodAffinityTerm, path: string): Generator<FieldProblem> {
  for (const [list] of LISTS) {
    const keys = term[list] ?? []
    if (keys.length > 0 && term.labelSelector === undefined) {
      yield fieldProblem.forbidden(`${path}.${list}`, 'must not be specified when labelSelector is not set')
    }
    for (const [index, key] of keys.entries()) {
      for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${path}.${list}[${index}]`, key, problem)
    }
  }
  const mismatched = new Set(term.mismatchLabelKeys)
  for (const [index, key] of (term.matchLabelKeys ?? []).entries()) {
    if (!mismatched.has(key)) continue
    yield fieldProblem.invalid(`${path}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys')
  }
}
