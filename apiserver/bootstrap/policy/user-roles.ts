import { paths, READ, type Roles, rule, WRITE } from './rule.ts'

const WORKLOADS = 'deployments deployments/scale replicasets replicasets/scale'
/** Kinds that lived in `extensions` once. Nothing is served there any more; upstream's roles still name them. */
const MOVED = `daemonsets ${WORKLOADS} ingresses networkpolicies replicationcontrollers/scale`

/** What `view`, `edit` and `admin` are put together of: each holds the ones before it. */
export const aggregatedRoles: Roles = {
  /** Everything of a namespace that lends nobody more power (so no Secrets). */
  'system:aggregate-to-view': [
    rule(
      READ,
      'core',
      'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    ),
    rule(
      READ,
      'core',
      'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
    ),
    rule(READ, 'core', 'namespaces'),
    rule(READ, 'discovery.k8s.io', 'endpointslices'),
    rule(
      READ,
      'apps',
      `controllerrevisions daemonsets daemonsets/status deployments/status replicasets/status statefulsets statefulsets/scale statefulsets/status ${WORKLOADS}`,
    ),
    rule(READ, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
    rule(READ, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
    rule(READ, 'extensions', `${MOVED} daemonsets/status deployments/status ingresses/status replicasets/status`),
    rule(READ, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
    rule(READ, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
    rule(READ, 'resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
  ],
  /** Changing what runs in a namespace, and reading and lending what its Pods can. */
  'system:aggregate-to-edit': [
    rule(READ, 'core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
    rule('impersonate', 'core', 'serviceaccounts'),
    rule(WRITE, 'core', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
    rule('create', 'core', 'pods/eviction'),
    rule(
      WRITE,
      'core',
      'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
    ),
    rule('create', 'core', 'serviceaccounts/token'),
    rule(WRITE, 'apps', `daemonsets deployments/rollback statefulsets statefulsets/scale ${WORKLOADS}`),
    rule(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
    rule(WRITE, 'batch', 'cronjobs jobs'),
    rule(WRITE, 'extensions', `deployments/rollback ${MOVED}`),
    rule(WRITE, 'policy', 'poddisruptionbudgets'),
    rule(WRITE, 'networking.k8s.io', 'ingresses networkpolicies'),
    rule(`${READ} ${WRITE}`, 'coordination.k8s.io', 'leases'),
    rule(WRITE, 'resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
  ],
  /** Handing out, within the namespace, what one holds. */
  'system:aggregate-to-admin': [
    rule('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
    rule(`${READ} ${WRITE}`, 'rbac.authorization.k8s.io', 'rolebindings roles'),
  ],
}

/** What people hold in the whole cluster. */
export const userRoles: Roles = {
  'cluster-admin': [rule('*', '*', '*'), paths('*', '*')],
  'system:discovery': [paths('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/')],
  'system:public-info-viewer': [paths('/healthz /livez /readyz /version /version/')],
  'system:basic-user': [
    rule('create', 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    rule('create', 'authentication.k8s.io', 'selfsubjectreviews'),
  ],
  'system:monitoring': [paths('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*')],
  'system:service-account-issuer-discovery': [
    paths('/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/'),
  ],
}
