import type { KubeObject } from '../../shared/objects/object.ts'
import { parseStored } from '../ownership/packed-fields.ts'
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
  /** The same by name, of kinds whose definition may change while their objects are stored. */
  readonly named?: ReadonlyMap<string, string> | undefined
  /** Which compilation of such a definition wrote the object; undefined where that is not known. Compared by identity. */
  readonly writtenBy?: object | undefined
}

export type StoredEntry = Entry<ObjectFacts>

const none: readonly string[] = []

/** Values of the selectable fields of a resource, in its order. */
export function fieldsOf(resource: Resource, facts: ObjectFacts): readonly string[] {
  const { named } = facts
  return named ? resource.selectable.map((field) => named.get(field) ?? '') : facts.fields
}

export function factsOf(resource: Resource, object: KubeObject): ObjectFacts {
  if (resource.custom) return resource.custom.factsOf(object, false)
  const { name = '', namespace = '', labels } = object.metadata
  const { selectableFields } = resource.definition.hooks
  const fields = selectableFields ? resource.selectable.map((field) => selectableFields[field]!(object) ?? '') : none
  return { namespace, name, labels, fields }
}

/** Rebuilds the facts of objects read back from disk. Of a kind that is not served (not yet, or not any more) the fields are unknown. */
export function factsFromBytes(table: ResourceTable): (key: string, value: Buffer) => ObjectFacts {
  return (key, value) => {
    const resource = table.ofPrefix(resourcePrefix(key))
    const object = parseStored(value)
    if (resource?.custom) return resource.custom.factsOf(object, true)
    if (resource) return factsOf(resource, object)
    const { namespace = '', name } = parseKey(key)
    return { namespace, name, labels: object.metadata.labels, fields: none, named: new Map() }
  }
}
