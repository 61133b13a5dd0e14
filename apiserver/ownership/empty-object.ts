import type { KubeObject } from '../../shared/objects/object.ts'
import type { Resource } from '../registry/resource-table.ts'
import { decodeObject } from '../registry/schema-check.ts'

const empties = new WeakMap<Resource, KubeObject>()

/**
 * What an object of this version is before anybody says anything: the structs that Go's encoder always writes. Kinds that were defined at run time
 * have none.
 */
export function emptyOf(served: Resource): KubeObject {
  let empty = empties.get(served)
  if (!empty) {
    const { apiVersion, kind, custom } = served
    empty = custom
      ? { apiVersion, kind, metadata: {} }
      : decodeObject(apiVersion, kind, { apiVersion, kind }, { fieldValidation: 'Ignore' })
    empties.set(served, empty)
  }
  return empty
}
