import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { ClusterRole, PolicyRule, Role } from '../../../shared/openapi/generated/rbac-v1.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'

/** Rules of a Role: verbs, and resources with their groups; paths belong to ClusterRoles. */
export function* roleProblems(role: Role): Generator<FieldProblem> {
  for (const [index, rule] of (role.rules ?? []).entries()) yield* ruleProblems(rule, `rules[${index}]`, true)
}

export function* clusterRoleProblems(role: ClusterRole): Generator<FieldProblem> {
  for (const [index, rule] of (role.rules ?? []).entries()) yield* ruleProblems(rule, `rules[${index}]`, false)
  const selectors = role.aggregationRule?.clusterRoleSelectors
  if (!role.aggregationRule) return
  if (!selectors?.length)
    yield fieldProblem.required(
      'aggregationRule.clusterRoleSelectors',
      'at least one clusterRoleSelector required if aggregationRule is non-nil',
    )
  for (const [index, selector] of (selectors ?? []).entries()) {
    yield* labelSelectorProblems(selector, `aggregationRule.clusterRoleSelectors[${index}]`)
  }
}

function* ruleProblems(rule: PolicyRule, path: string, isNamespaced: boolean): Generator<FieldProblem> {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  if (verbs.length === 0) yield fieldProblem.required(`${path}.verbs`, 'verbs must contain at least one value')
  if (nonResourceURLs.length > 0) {
    if (isNamespaced) {
      yield fieldProblem.invalid(`${path}.nonResourceURLs`, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs')
    }
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
      yield fieldProblem.invalid(
        `${path}.nonResourceURLs`,
        nonResourceURLs,
        'rules cannot apply to both regular resources and non-resource URLs',
      )
    }
    return
  }
  if (apiGroups.length === 0) yield fieldProblem.required(`${path}.apiGroups`, 'resource rules must supply at least one api group')
  if (resources.length === 0) yield fieldProblem.required(`${path}.resources`, 'resource rules must supply at least one resource')
}
