import { type RequiredObject, required } from './ensure.ts'

/** The namespaces every cluster has. */
export function requiredNamespaces(): RequiredObject[] {
  return ['default', 'kube-system', 'kube-public', 'kube-node-lease'].map((name) => required('v1', 'Namespace', { metadata: { name } }))
}
