import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '../../../shared/openapi/generated/rbac-v1.ts'
import type { HookContext, ResourceServices } from '../../registry/define-resource.ts'
import { sameValue } from '../../registry/same-value.ts'

type Grants = ResourceServices['grants']

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Nobody writes rules into a role that they do not hold themselves. Unchanged rules may stay: others may have written them. */
export function roleGrantHooks<T extends Role | ClusterRole>(grants: Grants, resource: string) {
  const check = (role: T, { user }: HookContext) => grants.checkRole(user, granted(role, resource), rulesOf(role))
  return {
    prepareForCreate: check,
    prepareForUpdate(next: T, previous: T, context: HookContext) {
      if (!sameValue(rulesOf(next), rulesOf(previous))) check(next, context)
    },
  }
}

/** Nobody lends a role whose rules they do not hold themselves. */
export function bindingGrantHooks<T extends RoleBinding | ClusterRoleBinding>(grants: Grants, resource: string) {
  const check = (binding: T, { user }: HookContext) => grants.checkBinding(user, granted(binding, resource), binding.roleRef)
  return {
    prepareForCreate: check,
    prepareForUpdate(next: T, previous: T, context: HookContext) {
      if (!sameValue([next.roleRef, next.subjects], [previous.roleRef, previous.subjects])) check(next, context)
    },
  }
}

/** What a role with an aggregation rule will hold is anybody's guess: it takes everything to write one. */
function rulesOf(role: Role | ClusterRole): readonly PolicyRule[] {
  return 'aggregationRule' in role && role.aggregationRule ? [...(role.rules ?? []), ...EVERYTHING] : (role.rules ?? [])
}

function granted({ metadata }: Role | ClusterRole | RoleBinding | ClusterRoleBinding, resource: string) {
  return { resource, namespace: metadata.namespace ?? '', name: metadata.name ?? '' }
}
