import type { PolicyRule } from '../../shared/openapi/generated/rbac-v1.ts'
import { resourceRule } from './write-rule.ts'

const READ = ['get', 'list', 'watch']

/**
 * What every node may do, as far as rules can say it (upstream's bootstrap policy for `system:node`). What depends on
 * which Pods run where is in node.ts, what depends on the object's content in admission/node-restriction.ts.
 */
export const nodeRules: readonly PolicyRule[] = [
  resourceRule(['create'], 'authentication.k8s.io', 'tokenreviews'),
  resourceRule(['create'], 'authorization.k8s.io', 'subjectaccessreviews', 'localsubjectaccessreviews'),
  resourceRule(READ, '', 'services'),
  resourceRule([...READ, 'create'], '', 'nodes'),
  resourceRule(['update', 'patch'], '', 'nodes/status'),
  resourceRule(['update', 'patch'], '', 'nodes'),
  resourceRule(['create', 'update', 'patch'], '', 'events'),
  resourceRule(READ, '', 'pods'),
  resourceRule(['create', 'delete'], '', 'pods'),
  resourceRule(['update', 'patch'], '', 'pods/status'),
  resourceRule(['create'], '', 'pods/eviction'),
  resourceRule(READ, '', 'secrets', 'configmaps'),
  resourceRule(['get'], '', 'persistentvolumeclaims', 'persistentvolumes'),
  resourceRule(['get'], '', 'endpoints'),
  resourceRule([...READ, 'create'], 'certificates.k8s.io', 'certificatesigningrequests'),
  resourceRule(['get', 'create', 'update', 'patch', 'delete'], 'coordination.k8s.io', 'leases'),
  resourceRule(['get'], 'storage.k8s.io', 'volumeattachments'),
  resourceRule(['create'], '', 'serviceaccounts/token'),
  resourceRule(['get', 'update', 'patch'], '', 'persistentvolumeclaims/status'),
  resourceRule(READ, 'storage.k8s.io', 'csidrivers'),
  resourceRule(['get', 'create', 'update', 'patch', 'delete'], 'storage.k8s.io', 'csinodes'),
  resourceRule(READ, 'node.k8s.io', 'runtimeclasses'),
]
