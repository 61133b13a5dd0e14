import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { nodeRules } from '../authz/node-rules.ts'
import { namedRule, pathRule, resourceRule } from '../authz/write-rule.ts'

const READ = ['get', 'list', 'watch']
const EVENTS = [
  resourceRule(['create', 'patch', 'update'], '', 'events'),
  resourceRule(['create', 'patch', 'update'], 'events.k8s.io', 'events'),
]
const ACCESS_CHECKS = [
  resourceRule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  resourceRule(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
]
const SIGNERS = [
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/legacy-unknown',
]

function leaderElection(name: string): PolicyRule[] {
  return [
    resourceRule(['create'], 'coordination.k8s.io', 'leases'),
    namedRule(['get', 'update', 'patch'], 'coordination.k8s.io', 'leases', name),
  ]
}

/**
 * The controller manager. Upstream gives each controller an identity of its own; ours is one process with one identity, so
 * this is the sum of what its controllers need: to see everything, and to change what they own.
 */
const controllerManager: readonly PolicyRule[] = [
  ...EVENTS,
  ...ACCESS_CHECKS,
  ...leaderElection('kube-controller-manager'),
  { verbs: READ, apiGroups: ['*'], resources: ['*'] },
  // The garbage collector and the namespace controller delete, and release the finalizers of, any kind of object.
  { verbs: ['delete', 'deletecollection', 'patch', 'update'], apiGroups: ['*'], resources: ['*'] },
  resourceRule(['create'], '', 'pods', 'serviceaccounts', 'serviceaccounts/token', 'configmaps', 'secrets', 'endpoints', 'pods/eviction'),
  resourceRule(['create'], '', 'replicationcontrollers', 'persistentvolumes', 'persistentvolumeclaims'),
  resourceRule(['create'], 'apps', 'replicasets', 'controllerrevisions'),
  resourceRule(['create'], 'batch', 'jobs'),
  resourceRule(['create'], 'discovery.k8s.io', 'endpointslices'),
  namedRule(['approve', 'sign'], 'certificates.k8s.io', 'signers', ...SIGNERS),
  // Aggregation writes rules into roles that it does not hold itself.
  resourceRule(['escalate', 'bind'], 'rbac.authorization.k8s.io', 'clusterroles'),
]

const scheduler: readonly PolicyRule[] = [
  ...EVENTS,
  ...ACCESS_CHECKS,
  ...leaderElection('kube-scheduler'),
  resourceRule(READ, '', 'nodes', 'namespaces', 'services', 'replicationcontrollers', 'persistentvolumeclaims', 'persistentvolumes'),
  resourceRule([...READ, 'delete'], '', 'pods'),
  resourceRule(['create'], '', 'bindings', 'pods/binding'),
  resourceRule(['patch', 'update'], '', 'pods/status'),
  resourceRule(READ, 'apps', 'replicasets', 'statefulsets'),
  resourceRule(READ, 'policy', 'poddisruptionbudgets'),
  resourceRule(READ, 'scheduling.k8s.io', 'priorityclasses'),
  resourceRule(READ, 'storage.k8s.io', 'csinodes', 'csidrivers', 'csistoragecapacities', 'storageclasses', 'volumeattachments'),
]

const volumeScheduler: readonly PolicyRule[] = [
  resourceRule([...READ, 'patch', 'update'], '', 'persistentvolumes', 'persistentvolumeclaims'),
  resourceRule(READ, 'storage.k8s.io', 'storageclasses'),
]

const nodeProxier: readonly PolicyRule[] = [
  ...EVENTS,
  resourceRule(['list', 'watch'], '', 'services', 'endpoints'),
  resourceRule(READ, '', 'nodes'),
  resourceRule(['list', 'watch'], 'discovery.k8s.io', 'endpointslices'),
  resourceRule(['list', 'watch'], 'networking.k8s.io', 'servicecidrs'),
]

const kubeletApiAdmin: readonly PolicyRule[] = [
  resourceRule([...READ, 'proxy'], '', 'nodes'),
  resourceRule(
    ['*'],
    '',
    'nodes/log',
    'nodes/metrics',
    'nodes/proxy',
    'nodes/spec',
    'nodes/stats',
    'nodes/pods',
    'nodes/healthz',
    'nodes/configz',
  ),
]

/** Permissions that the certificate approver looks for in whoever sent a request; nothing is served under these names. */
const certificateRequest = (kind: string): PolicyRule[] => [
  resourceRule(['create'], 'certificates.k8s.io', `certificatesigningrequests/${kind}`),
]
const approver = (signer: string): PolicyRule[] => [namedRule(['approve'], 'certificates.k8s.io', 'signers', signer)]

/** Roles of the cluster's own parts: name → rules. */
export const componentRoles: Readonly<Record<string, readonly PolicyRule[]>> = {
  'system:kube-controller-manager': controllerManager,
  'system:kube-scheduler': scheduler,
  'system:volume-scheduler': volumeScheduler,
  'system:node': nodeRules,
  'system:node-proxier': nodeProxier,
  'system:node-bootstrapper': [resourceRule(['create', ...READ], 'certificates.k8s.io', 'certificatesigningrequests')],
  'system:node-problem-detector': [...EVENTS, resourceRule(['get'], '', 'nodes'), resourceRule(['patch'], '', 'nodes/status')],
  'system:kubelet-api-admin': kubeletApiAdmin,
  'system:kube-dns': [
    resourceRule(['list', 'watch'], '', 'endpoints', 'services', 'namespaces'),
    resourceRule(['list', 'watch'], 'discovery.k8s.io', 'endpointslices'),
  ],
  'system:kube-aggregator': [resourceRule(READ, '', 'services', 'endpoints')],
  'system:auth-delegator': ACCESS_CHECKS,
  'system:persistent-volume-provisioner': [
    ...EVENTS,
    resourceRule([...READ, 'create', 'delete'], '', 'persistentvolumes'),
    resourceRule([...READ, 'update'], '', 'persistentvolumeclaims'),
    resourceRule(READ, 'storage.k8s.io', 'storageclasses'),
    resourceRule(['watch'], '', 'events'),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': certificateRequest('nodeclient'),
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': certificateRequest('selfnodeclient'),
  'system:certificates.k8s.io:kube-apiserver-client-approver': approver('kubernetes.io/kube-apiserver-client'),
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': approver('kubernetes.io/kube-apiserver-client-kubelet'),
  'system:certificates.k8s.io:kubelet-serving-approver': approver('kubernetes.io/kubelet-serving'),
  'system:certificates.k8s.io:legacy-unknown-approver': approver('kubernetes.io/legacy-unknown'),
  'system:service-account-issuer-discovery': [
    pathRule('/.well-known/openid-configuration', '/.well-known/openid-configuration/', '/openid/v1/jwks', '/openid/v1/jwks/'),
  ],
  'system:monitoring': [pathRule('/healthz', '/healthz/*', '/livez', '/livez/*', '/metrics', '/metrics/slis', '/readyz', '/readyz/*')],
}
