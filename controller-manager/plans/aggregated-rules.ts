import { sameJson } from '../../shared/objects/same-json.ts'
import type { ClusterRole, PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'

/**
 * The rules of a role that gathers others': those of each role that a selector chooses, in the order of the selectors and then of
 * names, each rule once. Undefined for a role that gathers none.
 */
export function aggregatedRules(role: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] | undefined {
  if (!role.aggregationRule) return undefined
  const others = roles
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  const known = new Set<string>()
  const rules: PolicyRule[] = []
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const selects = labelSelectorFrom(selector)
    for (const rule of others.filter(({ metadata }) => selects.matches(metadata.labels ?? {})).flatMap((other) => other.rules ?? [])) {
      const text = JSON.stringify(rule)
      if (known.has(text)) continue
      known.add(text)
      rules.push(rule)
    }
  }
  return rules
}

/** Whether a role has the rules already. */
export function hasRules({ rules }: ClusterRole, wanted: readonly PolicyRule[]): boolean {
  return sameJson(rules ?? [], wanted)
}
