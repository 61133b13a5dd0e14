import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { resourceRule } from '../authz/write-rule.ts'

const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'update', 'patch', 'delete', 'deletecollection']

/** What `view` may see: everything of a namespace that lends nobody more power (so no Secrets). */
export const viewRules: readonly PolicyRule[] = [
  resourceRule(
    READ,
    '',
    ...['configmaps', 'endpoints', 'persistentvolumeclaims', 'persistentvolumeclaims/status', 'pods'],
    ...['replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services', 'services/status'],
  ),
  resourceRule(
    READ,
    '',
    ...['bindings', 'events', 'limitranges', 'namespaces/status', 'pods/log', 'pods/status'],
    ...['replicationcontrollers/status', 'resourcequotas', 'resourcequotas/status', 'namespaces'],
  ),
  resourceRule(READ, 'discovery.k8s.io', 'endpointslices'),
  resourceRule(
    READ,
    'apps',
    ...['controllerrevisions', 'daemonsets', 'daemonsets/status', 'deployments', 'deployments/scale', 'deployments/status'],
    ...['replicasets', 'replicasets/scale', 'replicasets/status', 'statefulsets', 'statefulsets/scale', 'statefulsets/status'],
  ),
  resourceRule(READ, 'autoscaling', 'horizontalpodautoscalers', 'horizontalpodautoscalers/status'),
  resourceRule(READ, 'batch', 'cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'),
  resourceRule(READ, 'policy', 'poddisruptionbudgets', 'poddisruptionbudgets/status'),
  resourceRule(READ, 'networking.k8s.io', 'ingresses', 'ingresses/status', 'networkpolicies'),
]

/** What `edit` may do besides: change what runs in a namespace, and read and lend what its Pods can. */
export const editRules: readonly PolicyRule[] = [
  resourceRule(READ, '', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'),
  resourceRule(['impersonate'], '', 'serviceaccounts'),
  resourceRule(WRITE, '', 'pods', 'pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy'),
  resourceRule(['create'], '', 'pods/eviction'),
  resourceRule(
    WRITE,
    '',
    ...['configmaps', 'events', 'persistentvolumeclaims', 'replicationcontrollers', 'replicationcontrollers/scale'],
    ...['secrets', 'serviceaccounts', 'services', 'services/proxy'],
  ),
  resourceRule(['create'], '', 'serviceaccounts/token'),
  resourceRule(
    WRITE,
    'apps',
    ...['daemonsets', 'deployments', 'deployments/rollback', 'deployments/scale'],
    ...['replicasets', 'replicasets/scale', 'statefulsets', 'statefulsets/scale'],
  ),
  resourceRule(WRITE, 'autoscaling', 'horizontalpodautoscalers'),
  resourceRule(WRITE, 'batch', 'cronjobs', 'jobs'),
  resourceRule(WRITE, 'policy', 'poddisruptionbudgets'),
  resourceRule(WRITE, 'networking.k8s.io', 'ingresses', 'networkpolicies'),
  resourceRule([...READ, ...WRITE], 'coordination.k8s.io', 'leases'),
]

/** What `admin` may do besides: hand out, within the namespace, what it holds. */
export const adminRules: readonly PolicyRule[] = [
  resourceRule(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
  resourceRule([...READ, ...WRITE], 'rbac.authorization.k8s.io', 'rolebindings', 'roles'),
]
