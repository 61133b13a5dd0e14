import type { SchemaNode } from '../openapi/schema.ts'
import { escapedName } from './field-names.ts'
import * as types from './type.ts'
import { type CelType, dyn, type ListType, mapOf, type ObjectField, objectType } from './type.ts'

/** How texts with a format are seen: `json` leaves them texts, as policies see them; `typed` makes times and bytes of them, as rules of custom resources and type checks do. */
export type Texts = 'json' | 'typed'

/** The type of what a schema describes. Definitions that refer to themselves are followed only as far as an expression goes. */
export function typeOfSchema(node: SchemaNode, name: string, texts: Texts): CelType {
  return new SchemaTypes(texts).typeOf(node, name)
}

class SchemaTypes {
  readonly #texts: Texts
  /** One type for each definition, so that two places of one definition have one type. */
  readonly #definitions = new Map<string, CelType>()

  constructor(texts: Texts) {
    this.#texts = texts
  }

  typeOf(node: SchemaNode, name: string): CelType {
    const { ref } = node
    if (ref === undefined) return this.#made(node, name)
    const known = this.#definitions.get(ref) ?? this.#made(node, ref)
    this.#definitions.set(ref, known)
    return known
  }

  #made(node: SchemaNode, name: string): CelType {
    if (node.scalar !== undefined) return this.#scalar(node.scalar)
    switch (node.type) {
      case 'string':
        return this.#texts === 'typed' && node.format === 'byte' ? types.bytesType : types.stringType
      case 'integer':
        return types.intType
      case 'number':
        return types.doubleType
      case 'boolean':
        return types.boolType
      case 'array':
        return this.#list(node, name)
      case 'map':
        return mapOf(types.stringType, node.values ? this.typeOf(node.values, `${name}.@values`) : dyn)
      case 'object':
        return node.isOpen || node.fields.size === 0 ? dyn : this.#object(node, name)
      case 'any':
        return dyn
    }
  }

  #scalar(scalar: NonNullable<SchemaNode['scalar']>): CelType {
    switch (scalar) {
      case 'quantity':
        return types.stringType
      case 'int-or-string':
        return dyn
      case 'time':
      case 'micro-time':
        return this.#texts === 'typed' ? types.timestampType : types.stringType
      case 'duration':
        return this.#texts === 'typed' ? types.durationType : types.stringType
    }
  }

  #list(node: SchemaNode, name: string): ListType {
    const element = node.items ? this.typeOf(node.items, `${name}.@idx`) : dyn
    if (this.#texts === 'json' || node.listType === undefined || node.listType === 'atomic') return { kind: 'list', element }
    return { kind: 'list', element, keys: node.listType === 'set' ? 'set' : node.listMapKeys }
  }

  #object(node: SchemaNode, name: string): CelType {
    const fields = new Map<string, ObjectField>()
    return {
      kind: 'object',
      name,
      field: (wanted) => {
        if (fields.size === 0) this.#addFields(fields, node, name)
        return fields.get(wanted)
      },
    }
  }

  #addFields(fields: Map<string, ObjectField>, node: SchemaNode, name: string): void {
    for (const [field, child] of node.fields) {
      const found = { name: field, type: this.typeOf(child, `${name}.${field}`) }
      fields.set(field, found)
      const escaped = escapedName(field)
      if (escaped !== undefined) fields.set(escaped, found)
    }
  }
}

const stringMap = mapOf(types.stringType, types.stringType)
const listOfTexts = types.listOf(types.stringType)

/** `request`, as admission policies and match conditions see it (upstream's `BuildRequestType`). */
export const requestType: CelType = objectType('kubernetes.AdmissionRequest', {
  kind: objectType('kubernetes.GroupVersionKind', { group: types.stringType, version: types.stringType, kind: types.stringType }),
  resource: objectType('kubernetes.GroupVersionResource', {
    group: types.stringType,
    version: types.stringType,
    resource: types.stringType,
  }),
  subResource: types.stringType,
  requestKind: objectType('kubernetes.GroupVersionKind', { group: types.stringType, version: types.stringType, kind: types.stringType }),
  requestResource: objectType('kubernetes.GroupVersionResource', {
    group: types.stringType,
    version: types.stringType,
    resource: types.stringType,
  }),
  requestSubResource: types.stringType,
  name: types.stringType,
  namespace: types.stringType,
  operation: types.stringType,
  userInfo: objectType('kubernetes.UserInfo', {
    username: types.stringType,
    uid: types.stringType,
    groups: listOfTexts,
    extra: mapOf(types.stringType, listOfTexts),
  }),
  dryRun: types.boolType,
  options: dyn,
})

/** `namespaceObject` (upstream's `BuildNamespaceType`). */
export const namespaceType: CelType = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: types.stringType,
    generateName: types.stringType,
    namespace: types.stringType,
    labels: stringMap,
    annotations: stringMap,
    UID: types.stringType,
    creationTimestamp: types.timestampType,
    deletionGracePeriodSeconds: types.intType,
    deletionTimestamp: types.timestampType,
    generation: types.intType,
    resourceVersion: types.stringType,
    finalizers: listOfTexts,
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: listOfTexts }),
  status: objectType('kubernetes.NamespaceStatus', { phase: types.stringType }),
})
