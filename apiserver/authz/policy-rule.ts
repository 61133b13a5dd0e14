import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import type { AccessAttributes } from './authorizer.ts'

/** Whether one rule allows a request (apiserver's rbac rule evaluation). */
export function ruleAllows(rule: PolicyRule, attributes: AccessAttributes): boolean {
  if (attributes.path !== undefined) return ruleAllowsPath(rule, attributes.verb, attributes.path)
  return ruleAllowsResource(rule, attributes) && nameMatches(rule, attributes.name)
}

/** As `ruleAllows` for a resource request, whatever its object's name. */
export function ruleAllowsResource(rule: PolicyRule, { verb, group, resource, subresource }: AccessAttributes): boolean {
  return has(rule.verbs, verb) && has(rule.apiGroups, group) && resourceMatches(rule, resource, subresource)
}

/** A rule without names is for all objects; one with names never allows requests that have none (create, list). */
export function nameMatches({ resourceNames }: PolicyRule, name: string): boolean {
  return !resourceNames?.length || resourceNames.includes(name)
}

/** A rule's path may end in `*`, which stands for any rest. */
export function pathMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))
}

function ruleAllowsPath(rule: PolicyRule, verb: string, path: string): boolean {
  return has(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, path))
}

function resourceMatches({ resources }: PolicyRule, resource: string, subresource: string): boolean {
  const full = subresource ? `${resource}/${subresource}` : resource
  return (resources ?? []).some((each) => each === '*' || each === full || (subresource !== '' && each === `*/${subresource}`))
}

/** Tolerates a list that a stored rule leaves out: such a rule grants nothing. */
function has(list: readonly string[] | null | undefined, value: string): boolean {
  return !!list && (list.includes(value) || list.includes('*'))
}
