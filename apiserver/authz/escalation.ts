import type { PolicyRule, RoleRef } from '../../shared/openapi/generated/rbac-v1.ts'
import type { User } from '../authn/user.ts'
import type { AccessAttributes, AccessDecision } from './authorizer.ts'
import { forbidden } from './forbidden.ts'
import { pathMatches } from './policy-rule.ts'

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
    const missing = notCovered(rulesOf(user, object.namespace), rules)
    if (missing.length === 0) return
    const who = `user ${JSON.stringify(user.name)} (groups=[${user.groups.map((group) => JSON.stringify(group)).join(' ')}])`
    const what = missing.map(describeRule).join('\n')
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

/** The parts of `wanted` that no rule of `held` covers, each one verb on one thing. */
export function notCovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(singleRules).filter((single) => !held.some((rule) => covers(rule, single)))
}

/** Takes a rule apart into rules about one verb on one resource (of one group, with one name) or path. */
function singleRules(rule: PolicyRule): PolicyRule[] {
  const names = rule.resourceNames?.length ? rule.resourceNames.map((name) => ({ resourceNames: [name] })) : [{}]
  return (rule.verbs ?? []).flatMap((verb) => [
    ...(rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).flatMap((resource) =>
        names.map((name) => ({ verbs: [verb], apiGroups: [group], resources: [resource], ...name })),
      ),
    ),
    ...(rule.nonResourceURLs ?? []).map((path) => ({ verbs: [verb], nonResourceURLs: [path] })),
  ])
}

function covers(held: PolicyRule, single: PolicyRule): boolean {
  const includes = (list: readonly string[] | undefined, value: string) => list?.includes('*') === true || list?.includes(value) === true
  const [verb = ''] = single.verbs
  if (!includes(held.verbs, verb)) return false
  const [path] = single.nonResourceURLs ?? []
  if (path !== undefined) return (held.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path))
  const [group = ''] = single.apiGroups ?? []
  const [resource = ''] = single.resources ?? []
  const [name] = single.resourceNames ?? []
  const subresource = resource.split('/')[1]
  const resourceHeld = includes(held.resources, resource) || (subresource !== undefined && includes(held.resources, `*/${subresource}`))
  const nameHeld = !held.resourceNames?.length || (name !== undefined && held.resourceNames.includes(name))
  return includes(held.apiGroups, group) && resourceHeld && nameHeld
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
