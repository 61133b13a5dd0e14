import type { ClusterRole, PolicyRule, Subject } from '../../../shared/openapi/generated/rbac-v1.ts'
import { type RequiredObject, required } from '../ensure.ts'
import { clusterRoleBindings } from './cluster-role-bindings.ts'
import { controlPlaneRoles } from './control-plane-roles.ts'
import { controllerAccounts, controllerRoleName } from './controller-roles.ts'
import { namespaceBindings, namespaceRoles } from './namespace-roles.ts'
import { nodeRoles } from './node-roles.ts'
import { metricsReader, ownPolicy } from './own-policy.ts'
import { AUTO_UPDATE, repairedBinding, repairedClusterRole, repairedRole } from './repair.ts'
import { aggregatedRoles, userRoles } from './user-roles.ts'

const API = 'rbac.authorization.k8s.io/v1'
const GROUP = 'rbac.authorization.k8s.io'
const AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-'
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

/** The roles and bindings that every cluster has: upstream's bootstrap policy, and what `own-policy.ts` adds to it. */
export function requiredPolicy(): RequiredObject[] {
  return [
    ...clusterRoles(),
    ...Object.entries(clusterRoleBindings).map(([name, subjects]) => clusterRoleBinding(name, name, subjects)),
    ...Object.entries(namespaceRoles).flatMap(([namespace, roles]) =>
      Object.entries(roles).map(([name, rules]) => role(namespace, name, rules)),
    ),
    ...Object.entries(namespaceBindings).flatMap(([namespace, bindings]) =>
      bindings.map((each) => roleBinding(namespace, each.name ?? each.role, each.role, each.subjects)),
    ),
    ...ownPolicy.flatMap(({ name, namespace, grants, subjects }) => {
      if (typeof grants === 'string') return [clusterRoleBinding(name, grants, subjects)]
      if (namespace) return [role(namespace, name, grants), roleBinding(namespace, name, name, subjects)]
      return [clusterRole(name, grants), clusterRoleBinding(name, name, subjects)]
    }),
  ]
}

function clusterRoles(): RequiredObject[] {
  const [view = [], edit = [], admin = []] = ['view', 'edit', 'admin'].map((name) => aggregatedRoles[`system:aggregate-to-${name}`])
  const controllers = Object.entries(controllerAccounts).map(([name, rules]) => [controllerRoleName(name), rules] as const)
  return [
    ...Object.entries({ ...userRoles, ...controlPlaneRoles, ...nodeRoles }).map(([name, rules]) => clusterRole(name, rules)),
    ...controllers.map(([name, rules]) => clusterRole(name, rules)),
    ...Object.entries(aggregatedRoles).map(([name, rules]) =>
      clusterRole(name, rules, { part: name.slice('system:aggregate-to-'.length) }),
    ),
    // Their sums are written down from the start, for people who read them: upstream's are empty until its controller comes by.
    clusterRole(metricsReader.name, metricsReader.rules, { parts: metricsReader.partOf }),
    clusterRole('view', view, { part: 'edit', sum: 'view' }),
    clusterRole('edit', [...edit, ...view], { part: 'admin', sum: 'edit' }),
    clusterRole('admin', [...admin, ...edit, ...view], { sum: 'admin' }),
  ]
}

/** @param aggregation `part` (or `parts`) of which role this one is, and of which parts it is the `sum` */
function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  aggregation: { part?: string; parts?: readonly string[]; sum?: string } = {},
): RequiredObject {
  const { part, parts = part ? [part] : [], sum } = aggregation
  const role = {
    metadata: marked(name, Object.fromEntries(parts.map((each) => [`${AGGREGATE}${each}`, 'true']))),
    rules: [...rules],
    ...(sum ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`${AGGREGATE}${sum}`]: 'true' } }] } } : {}),
  }
  const wanted: ClusterRole = { apiVersion: API, kind: 'ClusterRole', ...role }
  return required(API, 'ClusterRole', role, (present) => repairedClusterRole(present, wanted))
}

function clusterRoleBinding(name: string, roleName: string, subjects: readonly Subject[]): RequiredObject {
  const binding = { metadata: marked(name), roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: roleName }, subjects: [...subjects] }
  return required(API, 'ClusterRoleBinding', binding, (present) => repairedBinding(present, { ...present, ...binding }))
}

function role(namespace: string, name: string, rules: readonly PolicyRule[]): RequiredObject {
  const role = { metadata: { ...marked(name), namespace }, rules: [...rules] }
  return required(API, 'Role', role, (present) => repairedRole(present, { ...present, ...role }))
}

function roleBinding(namespace: string, name: string, roleName: string, subjects: readonly Subject[]): RequiredObject {
  const binding = {
    metadata: { ...marked(name), namespace },
    roleRef: { apiGroup: GROUP, kind: 'Role', name: roleName },
    subjects: [...subjects],
  }
  return required(API, 'RoleBinding', binding, (present) => repairedBinding(present, { ...present, ...binding }))
}

const marked = (name: string, labels: Record<string, string> = {}) => ({
  name,
  labels: { ...LABELS, ...labels },
  annotations: { [AUTO_UPDATE]: 'true' },
})
