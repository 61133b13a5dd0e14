import type { KubeObject } from '../../shared/objects/object.ts'
import { parseKey, resourcePrefix } from '../storage/keys.ts'
import type { Entry } from '../storage/storage.ts'
import type { Resource, ResourceTable } from './resource-table.ts'

/** What selection needs to know of an object without parsing its bytes. Kept in memory beside every stored object. */
export interface ObjectFacts {
  /** Empty for cluster-scoped objects. */
  readonly namespace: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>> | undefined
  /** Values of `Resource.selectable`, in that order. */
  readonly fields: readonly string[]
}

export type StoredEntry = Entry<ObjectFacts>

const none: readonly string[] = []

export function factsOf(resource: Resource, object: KubeObject): ObjectFacts {
  const { name = '', namespace = '', labels } = object.metadata
  const { selectableFields } = resource.definition.hooks
  const fields = selectableFields ? resource.selectable.map((field) => selectableFields[field]!(object) ?? '') : none
  return { namespace, name, labels, fields }
}

/** Rebuilds the facts of objects read back from disk. A kind that is not served (any more) has only its key. */
export function factsFromBytes(table: ResourceTable): (key: string, value: Buffer) => ObjectFacts {
  return (key, value) => {
    const resource = table.ofPrefix(resourcePrefix(key))
    if (!resource) {
      const { namespace = '', name } = parseKey(key)
      return { namespace, name, labels: undefined, fields: none }
    }
    return factsOf(resource, JSON.parse(value.toString()) as KubeObject)
  }
}
