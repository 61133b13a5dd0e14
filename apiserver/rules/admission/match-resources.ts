import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { MatchResources } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { operationRuleProblems } from './operation-rule.ts'

/** What holds where the constraints do not say. */
export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*'
}

/** Which requests a policy or a binding is about. */
export function* matchResourcesProblems(match: MatchResources, path: string): Generator<FieldProblem> {
  if (!match.matchPolicy) yield fieldProblem.required(`${path}.matchPolicy`)
  else if (!['Equivalent', 'Exact'].includes(match.matchPolicy)) {
    yield fieldProblem.notSupported(`${path}.matchPolicy`, match.matchPolicy, ['Equivalent', 'Exact'])
  }
  yield* labelSelectorProblems(match.namespaceSelector, `${path}.namespaceSelector`)
  yield* labelSelectorProblems(match.objectSelector, `${path}.objectSelector`)
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (match[field] ?? []).entries()) {
      yield* operationRuleProblems(rule, `${path}.${field}[${index}]`)
      const names = new Set<string>()
      for (const [at, name] of (rule.resourceNames ?? []).entries()) {
        if (names.has(name)) yield fieldProblem.duplicate(`${path}.${field}[${index}].resourceNames[${at}]`, name)
        names.add(name)
      }
    }
  }
}
