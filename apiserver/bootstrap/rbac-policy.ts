import type { PolicyRule, Subject } from '../../shared/openapi/generated/rbac-v1.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'
import { notCovered } from '../authz/rule-coverage.ts'
import { namedRule, pathRule, resourceRule } from '../authz/write-rule.ts'
import { componentRoles } from './component-roles.ts'
import { type RequiredObject, required } from './ensure.ts'
import { adminRules, editRules, viewRules } from './user-roles.ts'

const API = 'rbac.authorization.k8s.io/v1'
const GROUP = 'rbac.authorization.k8s.io'
const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'
const AGGREGATE = 'rbac.authorization.k8s.io/aggregate-to-'
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }

/** The roles and bindings every cluster has (upstream's bootstrap policy), with those that our own parts need. */
export function requiredPolicy(): RequiredObject[] {
  return [...clusterRoles(), ...clusterRoleBindings(), ...namespacedPolicy()]
}

function clusterRoles(): RequiredObject[] {
  const plain: Record<string, readonly PolicyRule[]> = {
    'cluster-admin': [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
    'system:discovery': [
      pathRule('/api', '/api/*', '/apis', '/apis/*', '/healthz', '/livez', '/openapi', '/openapi/*', '/readyz', '/version', '/version/'),
    ],
    'system:public-info-viewer': [pathRule('/healthz', '/livez', '/readyz', '/version', '/version/')],
    'system:basic-user': [
      resourceRule(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews', 'selfsubjectrulesreviews'),
      resourceRule(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
    ],
    ...componentRoles,
  }
  return [
    ...Object.entries(plain).map(([name, rules]) => clusterRole(name, rules)),
    clusterRole('system:aggregate-to-view', viewRules, { label: 'view' }),
    clusterRole('system:aggregate-to-edit', editRules, { label: 'edit' }),
    clusterRole('system:aggregate-to-admin', adminRules, { label: 'admin' }),
    clusterRole('view', viewRules, { label: 'edit', aggregates: 'view' }),
    clusterRole('edit', [...editRules, ...viewRules], { label: 'admin', aggregates: 'edit' }),
    clusterRole('admin', [...adminRules, ...editRules, ...viewRules], { aggregates: 'admin' }),
  ]
}

function clusterRoleBindings(): RequiredObject[] {
  const bind = (role: string, ...subjects: Subject[]) => clusterRoleBinding(role, role, subjects)
  const account: Subject = { kind: 'ServiceAccount', name: 'kube-dns', namespace: 'kube-system' }
  const certificates = 'system:certificates.k8s.io:certificatesigningrequests'
  return [
    bind('cluster-admin', group(systemGroup.masters)),
    bind('system:discovery', group(systemGroup.authenticated)),
    bind('system:basic-user', group(systemGroup.authenticated)),
    bind('system:public-info-viewer', group(systemGroup.authenticated), group(systemGroup.unauthenticated)),
    bind('system:monitoring', group(systemGroup.monitoring)),
    bind('system:kube-controller-manager', user(systemUser.controllerManager)),
    bind('system:kube-scheduler', user(systemUser.scheduler)),
    bind('system:volume-scheduler', user(systemUser.scheduler)),
    // kube-proxy and dns run beside the kubelet, on the same host and as the same system user: they may use the node's identity.
    bind('system:node-proxier', user(systemUser.proxy), group(systemGroup.nodes)),
    bind('system:kube-dns', account, user(systemUser.proxy), group(systemGroup.nodes)),
    // Empty on purpose: what nodes may do is the node authoriser's decision.
    bind('system:node'),
    bind('system:service-account-issuer-discovery', group(systemGroup.serviceAccounts)),
    clusterRoleBinding('coxswain:node-bootstrappers', 'system:node-bootstrapper', [group(systemGroup.bootstrappers)]),
    clusterRoleBinding('coxswain:approve-joining-nodes', `${certificates}:nodeclient`, [group(systemGroup.bootstrappers)]),
    clusterRoleBinding('coxswain:approve-node-renewals', `${certificates}:selfnodeclient`, [group(systemGroup.nodes)]),
  ]
}

/** Permissions on single objects of the system's namespaces. */
function namespacedPolicy(): RequiredObject[] {
  const read = ['get', 'list', 'watch']
  return [
    ...role(
      'kube-system',
      'extension-apiserver-authentication-reader',
      [namedRule(read, '', 'configmaps', 'extension-apiserver-authentication')],
      [user(systemUser.controllerManager), user(systemUser.scheduler)],
    ),
    // The public card of the cluster, for machines that do not trust it yet.
    ...role(
      'kube-public',
      'coxswain:cluster-info',
      [namedRule(['get'], '', 'configmaps', 'cluster-info')],
      [group(systemGroup.unauthenticated)],
    ),
  ]
}

function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  { label, aggregates }: { label?: string; aggregates?: string } = {},
): RequiredObject {
  const rule = aggregates && { clusterRoleSelectors: [{ matchLabels: { [AGGREGATE + aggregates]: 'true' } }] }
  const labels = { ...LABELS, ...(label ? { [AGGREGATE + label]: 'true' } : {}) }
  return required(
    API,
    'ClusterRole',
    { metadata: metadata(name, labels), rules: [...rules], ...(rule ? { aggregationRule: rule } : {}) },
    (present) => {
      const missing = mayUpdate(present) ? notCovered(present.rules ?? [], rules) : []
      return missing.length > 0 ? { ...present, rules: [...(present.rules ?? []), ...missing] } : undefined
    },
  )
}

function clusterRoleBinding(name: string, roleName: string, subjects: readonly Subject[]): RequiredObject {
  const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name: roleName }
  return required(API, 'ClusterRoleBinding', { metadata: metadata(name), roleRef, subjects: [...subjects] }, (present) => {
    const missing = mayUpdate(present) ? subjects.filter((subject) => !present.subjects?.some((each) => sameSubject(each, subject))) : []
    return missing.length > 0 ? { ...present, subjects: [...(present.subjects ?? []), ...missing] } : undefined
  })
}

function role(namespace: string, name: string, rules: readonly PolicyRule[], subjects: readonly Subject[]): RequiredObject[] {
  const about = { ...metadata(name), namespace }
  return [
    required(API, 'Role', { metadata: about, rules: [...rules] }),
    required(API, 'RoleBinding', { metadata: about, roleRef: { apiGroup: GROUP, kind: 'Role', name }, subjects: [...subjects] }),
  ]
}

const metadata = (name: string, labels: Record<string, string> = LABELS) => ({
  name,
  labels: { ...labels },
  annotations: { [AUTO_UPDATE]: 'true' },
})

/** Whoever changed a role on purpose says so with this annotation, and keeps the change. */
const mayUpdate = ({ metadata: { annotations } }: { metadata: { annotations?: Record<string, string> | undefined } }) =>
  annotations?.[AUTO_UPDATE] !== 'false'

const group = (name: string): Subject => ({ kind: 'Group', apiGroup: GROUP, name })
const user = (name: string): Subject => ({ kind: 'User', apiGroup: GROUP, name })
const sameSubject = (one: Subject, other: Subject) =>
  one.kind === other.kind && one.name === other.name && (one.namespace ?? '') === (other.namespace ?? '')
