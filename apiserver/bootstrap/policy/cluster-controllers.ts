import { EVENTS, named, READ, type Roles, rule } from './rule.ts'

const SIGNED =
  'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown'

/** Accounts of the controllers that keep nodes, namespaces, accounts, certificates and what belongs to whom in order. */
export const clusterControllers: Roles = {
  'node-controller': [
    rule(`delete patch update ${READ}`, 'core', 'nodes'),
    rule('patch update', 'core', 'nodes/status'),
    rule('patch update', 'core', 'pods/status'),
    rule(`delete ${READ}`, 'core', 'pods'),
    rule(READ, 'coordination.k8s.io', 'leases'),
    EVENTS,
  ],
  'pod-garbage-collector': [rule('delete list watch', 'core', 'pods'), rule(READ, 'core', 'nodes'), rule('patch', 'core', 'pods/status')],
  'generic-garbage-collector': [rule(`delete patch update ${READ}`, '*', '*'), EVENTS],
  'namespace-controller': [
    rule(`delete ${READ}`, 'core', 'namespaces'),
    rule('update', 'core', 'namespaces/finalize namespaces/status'),
    rule(`delete deletecollection ${READ}`, '*', '*'),
  ],
  'resourcequota-controller': [rule('list watch', '*', '*'), rule('update', 'core', 'resourcequotas/status'), EVENTS],
  'service-account-controller': [rule('create', 'core', 'serviceaccounts'), EVENTS],
  'legacy-service-account-token-cleaner': [
    named('kube-apiserver-legacy-service-account-token-tracking', 'get', 'core', 'configmaps'),
    rule('delete patch', 'core', 'secrets'),
  ],
  'root-ca-cert-publisher': [rule('create update', 'core', 'configmaps'), EVENTS],
  'certificate-controller': [
    rule(`delete ${READ}`, 'certificates.k8s.io', 'certificatesigningrequests'),
    rule('update', 'certificates.k8s.io', 'certificatesigningrequests/approval certificatesigningrequests/status'),
    named('kubernetes.io/kube-apiserver-client-kubelet', 'approve', 'certificates.k8s.io', 'signers'),
    named(SIGNED, 'sign', 'certificates.k8s.io', 'signers'),
    rule('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    EVENTS,
  ],
  'clusterrole-aggregation-controller': [rule(`escalate patch update ${READ}`, 'rbac.authorization.k8s.io', 'clusterroles')],
  'ttl-controller': [rule('list patch update watch', 'core', 'nodes'), EVENTS],
  'validatingadmissionpolicy-status-controller': [
    rule(READ, 'admissionregistration.k8s.io', 'validatingadmissionpolicies'),
    rule('get patch update', 'admissionregistration.k8s.io', 'validatingadmissionpolicies/status'),
    EVENTS,
  ],
}
