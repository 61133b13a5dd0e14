import { StatusError } from '../../../shared/errors/status-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { labelNameRule } from '../../rules/metadata/names.ts'

/** The cluster does not work without them. */
const permanent: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public'])
const KUBERNETES_FINALIZER = 'kubernetes'

export default defineResource('v1', 'Namespace', {
  shortNames: ['ns'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  generation: false,
  validateName: labelNameRule,
  columns: [{ name: 'Status', description: 'The status of the namespace', value: (namespace) => namespace.status.phase }],
  selectableFields: {
    'status.phase': (namespace) => namespace.status.phase ?? '',
    name: (namespace) => namespace.metadata.name ?? '',
  },

  applyDefaults(namespace) {
    if (!namespace.metadata.name) return
    namespace.metadata.labels = { ...namespace.metadata.labels, 'kubernetes.io/metadata.name': namespace.metadata.name }
    namespace.status.phase ||= 'Active'
  },
  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' }
    const finalizers = namespace.spec.finalizers ?? []
    if (!finalizers.includes(KUBERNETES_FINALIZER)) namespace.spec.finalizers = [...finalizers, KUBERNETES_FINALIZER]
  },
  prepareForUpdate(next, previous) {
    next.spec = structuredClone(previous.spec)
  },

  mayDelete(namespace) {
    const name = namespace.metadata.name ?? ''
    if (!permanent.has(name)) return
    throw new StatusError('Forbidden', `namespaces ${JSON.stringify(name)} is forbidden: this namespace may not be deleted`, {
      details: { name, kind: 'namespaces' },
    })
  },
  prepareForDelete(namespace) {
    namespace.status.phase = 'Terminating'
  },
  holdsDeletion: (namespace) => (namespace.spec.finalizers?.length ?? 0) > 0,

  views: {
    finalize: {
      restrict(next, previous) {
        const { metadata, status } = structuredClone(previous)
        next.status = status
        next.metadata = { ...metadata, resourceVersion: next.metadata.resourceVersion }
      },
    },
  },
})
