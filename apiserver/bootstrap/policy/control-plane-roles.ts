import { EVENTS, named, READ, type Roles, rule, WRITE } from './rule.ts'

/** Asking the API server who somebody is and what they may: changes nothing. */
const ACCESS_CHECKS = [
  rule('create', 'authentication.k8s.io', 'tokenreviews'),
  rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
]

/** What the processes that run the cluster hold. What a controller changes is its own account's (controller-roles). */
export const controlPlaneRoles: Roles = {
  // Sees everything for the shared caches; besides that it leads, and makes the accounts and tokens that its controllers act with.
  'system:kube-controller-manager': [
    EVENTS,
    rule('create', 'coordination.k8s.io', 'leases'),
    named('kube-controller-manager', 'get update', 'coordination.k8s.io', 'leases'),
    rule('create', 'core', 'secrets serviceaccounts'),
    rule('delete', 'core', 'secrets'),
    rule('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
    rule('update', 'core', 'secrets serviceaccounts'),
    ...ACCESS_CHECKS,
    rule('list watch', '*', '*'),
    rule('create', 'core', 'serviceaccounts/token'),
  ],
  'system:kube-scheduler': [
    EVENTS,
    rule('create', 'coordination.k8s.io', 'leases'),
    named('kube-scheduler', `${READ} update`, 'coordination.k8s.io', 'leases'),
    rule(`${READ} ${WRITE}`, 'coordination.k8s.io', 'leasecandidates'),
    rule(READ, 'core', 'nodes'),
    rule(`${READ} delete`, 'core', 'pods'),
    rule('create', 'core', 'bindings pods/binding'),
    rule('patch update', 'core', 'pods/status'),
    rule(READ, 'core', 'replicationcontrollers services'),
    rule(READ, 'apps extensions', 'replicasets'),
    rule(READ, 'apps', 'statefulsets'),
    rule(READ, 'policy', 'poddisruptionbudgets'),
    rule(READ, 'core', 'persistentvolumeclaims persistentvolumes'),
    ...ACCESS_CHECKS,
    rule(READ, 'storage.k8s.io', 'csinodes'),
    rule(READ, 'storage.k8s.io', 'volumeattachments'),
    rule(READ, 'core', 'namespaces'),
    rule(READ, 'storage.k8s.io', 'csidrivers'),
    rule(READ, 'storage.k8s.io', 'csistoragecapacities'),
    rule(READ, 'resource.k8s.io', 'deviceclasses'),
    rule(`${READ} patch update`, 'resource.k8s.io', 'resourceclaims'),
    rule(`${READ} patch update`, 'resource.k8s.io', 'resourceclaims/status'),
    rule('patch update', 'resource.k8s.io', 'resourceclaims/binding'),
    rule(`${READ} patch update`, 'core', 'pods/finalizers'),
    rule(READ, 'resource.k8s.io', 'resourceslices'),
  ],
  'system:volume-scheduler': [
    rule(`${READ} patch update`, 'core', 'persistentvolumes'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule(`${READ} patch update`, 'core', 'persistentvolumeclaims'),
  ],
  'system:auth-delegator': ACCESS_CHECKS,
  'system:kube-aggregator': [rule(READ, 'core', 'endpoints services')],
  'system:heapster': [rule(READ, 'core', 'events namespaces nodes pods'), rule(READ, 'extensions', 'deployments')],
  'system:persistent-volume-provisioner': [
    rule(`${READ} create delete`, 'core', 'persistentvolumes'),
    rule(`${READ} update`, 'core', 'persistentvolumeclaims'),
    rule(READ, 'storage.k8s.io', 'storageclasses'),
    rule('watch', 'core', 'events'),
    EVENTS,
  ],
}
