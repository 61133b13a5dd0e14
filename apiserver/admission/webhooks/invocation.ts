import type { Resource, ResourceTable } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'
import { namespaceSelected, objectSelected } from '../matching/selected.ts'
import type { Webhook } from './webhook.ts'

/** The resource as the client spoke of it. */
export function spokenOf(request: AdmissionRequest, table: ResourceTable): Resource {
  const { apiVersion, kind } = request.definition
  const resource = request.spoken ?? table.ofKind(apiVersion, kind)
  if (!resource) throw new Error(`${apiVersion} ${kind} is not served`)
  return resource
}

/**
 * The version in which a webhook is to see a request: the one that was spoken where a rule names it, else (unless it wants them exactly) the
 * first other version of the same resource that a rule names. Undefined: it is not asked.
 */
export function versionFor(
  webhook: Pick<Webhook, 'namespaces' | 'objects' | 'rules' | 'isExact'>,
  request: AdmissionRequest,
  table: ResourceTable,
): Resource | undefined {
  if (!namespaceSelected(webhook.namespaces, request)) return undefined
  if (!objectSelected(webhook.objects, labelled(request))) return undefined
  const spoken = spokenOf(request, table)
  const subject = (as: Resource) => ({ operation: request.operation, subresource: request.subresource, name: request.name, as })
  const { rules } = webhook
  if (rules.match(subject(spoken))) return spoken
  if (webhook.isExact || !rules.mayMatchInOtherVersion(subject(spoken))) return undefined
  return table.all().find((other) => other.prefix === spoken.prefix && other !== spoken && rules.match(subject(other)))
}

/** A Scale has no labels of its own; options of connections cannot have any. */
function labelled({ operation, subresource, object, previous }: AdmissionRequest): (object | undefined)[] {
  if (operation === 'CONNECT') return []
  if (subresource !== 'scale') return [object, previous]
  return [object, previous].map((one) => one && { metadata: {} })
}
