import { type GroupVersionKind, splitApiVersion } from '../../../shared/openapi/kinds.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { AdmissionRequest } from '../admission.ts'

/** The kind of what a request shows to webhooks and policies, of a version of its resource: bodies of actions and options of connections have their own. */
export function shownKind({ object, subresource, definition }: AdmissionRequest, { group, version, kind }: Resource): GroupVersionKind {
  if (subresource === 'scale') return { group: 'autoscaling', version: 'v1', kind: 'Scale' }
  if (!object || object.kind === definition.kind) return { group, version, kind }
  return { ...splitApiVersion(object.apiVersion), kind: object.kind }
}

/** A resource as reviews name it. */
export const groupVersionResource = ({ group, version, plural }: Resource) => ({ group, version, resource: plural })
