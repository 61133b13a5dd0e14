import { shortened } from '../../shared/errors/quoted.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { PolicyRule, RoleRef } from '../../shared/openapi/generated/rbac-v1.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes, AccessDecision } from './authorizer.ts'
import { forbidden } from './forbidden.ts'
import { notCovered } from './rule-coverage.ts'

/** A role or binding that is being written. */
export interface GrantedObject {
  /** Plural: roles, clusterroles, rolebindings, clusterrolebindings. */
  readonly resource: string
  /** Empty for the cluster-scoped two. */
  readonly namespace: string
  readonly name: string
}

/** Nobody hands out more than they hold. Called by the kinds of the RBAC group before they are stored. */
export interface Grants {
  /** For a role whose rules are new or changed. @throws StatusError Forbidden unless the user holds them all, or may `escalate` it. */
  checkRole(user: User, role: GrantedObject, rules: readonly PolicyRule[]): void
  /** For a binding that is new or changed. @throws StatusError Forbidden unless the user holds the role's rules, or may `bind` it. */
  checkBinding(user: User, binding: GrantedObject, roleRef: RoleRef): void
}

interface Held {
  authorize(attributes: AccessAttributes): AccessDecision
  rulesOf(user: User, namespace: string): readonly PolicyRule[]
  roleRules(role: RoleRef, namespace: string): readonly PolicyRule[] | undefined
}

const GROUP = 'rbac.authorization.k8s.io'

export function grantChecks({ authorize, rulesOf, roleRules }: Held): Grants {
  const may = (user: User, verb: string, resource: string, namespace: string, name: string) =>
    authorize({ user, verb, group: GROUP, version: 'v1', resource, subresource: '', namespace, name }).decision === 'allow'

  const check = (user: User, object: GrantedObject, rules: readonly PolicyRule[]) => {
    const missing = notCovered(rulesOf(user, object.namespace), rules, inputLimits.problems)
    if (missing.length === 0) return
    const who = `user ${JSON.stringify(user.name)} (groups=[${user.groups.map((group) => JSON.stringify(group)).join(' ')}])`
    const what = missing.map((rule) => shortened(describeRule(rule))).join('\n')
    throw forbidden({ group: GROUP, ...object }, `${who} is attempting to grant RBAC permissions not currently held:\n${what}`)
  }

  return {
    checkRole(user, role, rules) {
      if (!may(user, 'escalate', role.resource, role.namespace, role.name)) check(user, role, rules)
    },
    checkBinding(user, binding, roleRef) {
      const resource = roleRef.kind === 'Role' ? 'roles' : 'clusterroles'
      if (may(user, 'bind', resource, binding.namespace, roleRef.name)) return
      const rules = roleRules(roleRef, binding.namespace)
      // Whoever may bind a role that does not exist yet could be handed anything later.
      if (!rules) throw forbidden({ group: GROUP, ...binding }, `${resource}.${GROUP} ${JSON.stringify(roleRef.name)} not found`)
      check(user, binding, rules)
    },
  }
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`, as upstream prints it. */
function describeRule({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const parts = Object.entries({
    APIGroups: apiGroups,
    Resources: resources,
    ResourceNames: resourceNames,
    NonResourceURLs: nonResourceURLs,
    Verbs: verbs,
  })
  return `{${parts.flatMap(([name, list]) => (list?.length ? [`${name}:[${list.map((each) => JSON.stringify(each)).join(' ')}]`] : [])).join(', ')}}`
}
