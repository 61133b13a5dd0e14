import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'

/** One rule about resources of one API group. */
export function resourceRule(verbs: readonly string[], group: string, ...resources: readonly string[]): PolicyRule {
  return { verbs: [...verbs], apiGroups: [group], resources: [...resources] }
}

/** One rule about single objects. */
export function namedRule(verbs: readonly string[], group: string, resource: string, ...names: readonly string[]): PolicyRule {
  return { verbs: [...verbs], apiGroups: [group], resources: [resource], resourceNames: [...names] }
}

/** One rule about paths that are no resources. */
export function pathRule(...paths: readonly string[]): PolicyRule {
  return { verbs: ['get'], nonResourceURLs: [...paths] }
}
