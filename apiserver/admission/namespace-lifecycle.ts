import { notFound, StatusError } from '../../shared/errors/status-error.ts'
import type { AdmissionRequest, AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

/** Namespaces that the cluster cannot be without. kube-node-lease may be deleted: its absence is repaired. */
const IMMORTAL = ['default', 'kube-system', 'kube-public']

/** Nothing is created where there is no namespace, or where it is being emptied; some namespaces stay for ever. */
export const namespaceLifecycle: AdmissionRule = {
  name: 'NamespaceLifecycle',
  mutate(request) {
    const { operation, group, resource, namespace, name, context } = request
    const isNamespace = group === '' && resource === 'namespaces'
    if (operation === 'DELETE' && isNamespace && IMMORTAL.includes(name)) throw refusal(request, 'this namespace may not be deleted')
    if (operation !== 'CREATE' || namespace === '' || isNamespace || isAccessReview(request)) return
    const found = context.reader.get('v1', 'Namespace', { name: namespace })
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace)
    if (found.metadata.deletionTimestamp !== undefined || found.status.phase === 'Terminating') throw terminating(request)
  },
}

/** Asking what one may do needs no namespace. */
const isAccessReview = ({ group, resource }: AdmissionRequest) =>
  group === 'authorization.k8s.io' && resource === 'localsubjectaccessreviews'

/** Controllers look for the cause: it says that trying again is useless. */
function terminating(request: AdmissionRequest): StatusError {
  const { namespace } = request
  const plain = refusal(request, `unable to create new content in namespace ${namespace} because it is being terminated`)
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' }
  return new StatusError('Forbidden', plain.message, { details: { ...plain.details, causes: [cause] } })
}
