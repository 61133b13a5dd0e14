import type { KubeObject } from '../../../shared/objects/object.ts'
import type { ParamKind, ParamRef } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import type { ObjectReader } from '../../registry/object-reader.ts'
import type { Resource, ResourceTable } from '../../registry/resource-table.ts'

/** Objects that one binding may give to its policy; each is one more evaluation. */
const MOST_PARAMS = 100

/**
 * The parameters of a policy for one request: one, several, or `undefined` in place of one where the policy goes without. A binding without a
 * namespace takes those of the request's.
 * @throws Error that says why there are none, where there must be some
 */
export function paramsOf(
  kind: ParamKind | undefined,
  paramRef: ParamRef | undefined,
  { reader, table, namespace }: { readonly reader: ObjectReader; readonly table: ResourceTable; readonly namespace: string },
): readonly (KubeObject | undefined)[] {
  if (!kind) return [undefined]
  const resource = table.ofKind(kind.apiVersion ?? '', kind.kind ?? '')
  if (!resource) throw new Error(`failed to find resource referenced by paramKind: '${kind.apiVersion}, Kind=${kind.kind}'`)
  if (!paramRef) return [undefined]
  if (!resource.namespaced && paramRef.namespace) {
    throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  }
  const from = resource.namespaced ? paramRef.namespace || namespace : ''
  if (resource.namespaced && from === '')
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  const found = find(reader, resource, from, paramRef)
  if (found.length > MOST_PARAMS) throw new Error(`more than ${MOST_PARAMS} params found for policy binding`)
  if (found.length > 0 || paramRef.parameterNotFoundAction === 'Allow') return found
  throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction')
}

function find(
  reader: ObjectReader,
  { apiVersion, kind }: Resource,
  namespace: string,
  { name, selector }: ParamRef,
): readonly KubeObject[] {
  // The reader knows every kind that is served; its types know only those that are built in.
  const [version, built] = [apiVersion as 'v1', kind as 'ConfigMap']
  if (name) {
    const object = reader.get(version, built, namespace ? { namespace, name } : { name })
    return object ? [object] : []
  }
  const wanted = labelSelectorFrom(selector ?? {})
  return reader.list(version, built, namespace || undefined).filter((object) => wanted.matches(object.metadata.labels))
}
