import { notFound } from '../../../shared/errors/status-error.ts'
import type { LabelSelector, Labels } from '../../../shared/selectors/label-selector.ts'
import type { AdmissionRequest } from '../admission.ts'

/**
 * Whether a `namespaceSelector` lets a request through: by the labels of the object's namespace, of a Namespace by its own. What is in no
 * namespace always passes. @throws StatusError NotFound when the namespace has gone meanwhile
 */
export function namespaceSelected(selector: LabelSelector, request: AdmissionRequest): boolean {
  if (selector.empty) return true
  const { resource, group, object, subresource, context } = request
  const isNamespace = group === '' && resource === 'namespaces'
  if (isNamespace && subresource === '' && object) return selector.matches(object.metadata.labels)
  const name = namespaceOf(request)
  if (name === '') return true
  const namespace = context.reader.get('v1', 'Namespace', { name })
  if (!namespace) throw notFound({ group: '', resource: 'namespaces' }, name)
  return selector.matches(namespace.metadata.labels)
}

/** The namespace that a request is about; a Namespace is about itself. */
export function namespaceOf({ group, resource, namespace, name }: AdmissionRequest): string {
  return group === '' && resource === 'namespaces' ? name : namespace
}

/** Whether an `objectSelector` lets a request through: by the labels that the object has, or had. What can have none passes an empty one alone. */
export function objectSelected(selector: LabelSelector, objects: readonly (object | null | undefined)[]): boolean {
  if (selector.empty) return true
  return objects.some((object) => object && 'metadata' in object && selector.matches((object.metadata as { labels?: Labels }).labels))
}

const OWN_GROUP = 'admissionregistration.k8s.io'
const OWN = new Set([
  ...['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
  ...['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
  ...['mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'],
])

/** Whether a request is shown to no webhook and no policy, whatever it says. */
export function isHidden({ operation, group, resource, subresource }: AdmissionRequest): boolean {
  // One that refuses everything must be able to go.
  if (group === OWN_GROUP && OWN.has(resource)) return true
  // A pod that is evicted is not deleted by the client; upstream shows the eviction alone.
  return operation === 'DELETE' && subresource !== ''
}
