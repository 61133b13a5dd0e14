import { definition } from '../../shared/openapi/document.ts'
import { kindsOfDefinition } from '../../shared/openapi/kinds.ts'
import type { SchemaNode } from '../../shared/openapi/schema.ts'

/** A schema object of OpenAPI 3.0, as data. */
export type OpenApiSchema = Record<string, unknown>

const PREFIX = '#/components/schemas/'

export function schemaReference(name: string): OpenApiSchema {
  return { $ref: `${PREFIX}${name}` }
}

/** The definitions named and all they refer to, sorted by name. */
export function componentSchemas(names: Iterable<string>): Record<string, OpenApiSchema> {
  const found = new Map<string, OpenApiSchema>()
  const waiting = [...names]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = found.has(name) ? undefined : definition(name)
    if (!node) continue
    found.set(name, definitionSchema(name, node))
    waiting.push(...referencesOf(node))
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function* referencesOf(node: SchemaNode): Generator<string> {
  for (const field of node.fields.values()) yield* referenceIn(field)
}

function* referenceIn(node: SchemaNode): Generator<string> {
  if (node.ref !== undefined) yield node.ref
  if (node.items) yield* referenceIn(node.items)
  if (node.values) yield* referenceIn(node.values)
}

function definitionSchema(name: string, node: SchemaNode): OpenApiSchema {
  const kinds = kindsOfDefinition(name)
  const own = kinds.length === 0 ? {} : { 'x-kubernetes-group-version-kind': kinds }
  switch (node.scalar) {
    case 'quantity':
      return { oneOf: [{ type: 'string' }, { type: 'number' }] }
    case 'int-or-string':
      return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] }
    case undefined:
      break
    default:
      return { type: 'string', ...(node.format ? { format: node.format } : {}) }
  }
  if (node.type !== 'object') return node.type === 'any' ? own : { ...plainSchema(node), ...own }
  const properties = Object.fromEntries([...node.fields].map(([field, each]) => [field, fieldSchema(each)]))
  return {
    type: 'object',
    ...(node.fields.size > 0 ? { properties } : {}),
    ...(node.requiredFields.length > 0 ? { required: node.requiredFields } : {}),
    ...(node.ownMapType ? { 'x-kubernetes-map-type': node.ownMapType } : {}),
    ...own,
  }
}

/** A field: its type, and how patches and appliers merge it. */
function fieldSchema(node: SchemaNode): OpenApiSchema {
  const extra: OpenApiSchema = {}
  if (node.patchStrategies.length > 0) extra['x-kubernetes-patch-strategy'] = node.patchStrategies.join(',')
  if (node.patchMergeKey !== undefined) extra['x-kubernetes-patch-merge-key'] = node.patchMergeKey
  if (node.listType !== undefined) extra['x-kubernetes-list-type'] = node.listType
  if (node.listMapKeys.length > 0) extra['x-kubernetes-list-map-keys'] = node.listMapKeys
  if (node.ownMapType !== undefined) extra['x-kubernetes-map-type'] = node.ownMapType
  if (node.default !== undefined) extra['default'] = node.default
  if (node.ref === undefined) return { ...plainSchema(node), ...extra }
  if (!node.isPointer && extra['default'] === undefined) extra['default'] = {}
  return Object.keys(extra).length === 0 ? schemaReference(node.ref) : { allOf: [schemaReference(node.ref)], ...extra }
}

function plainSchema(node: SchemaNode): OpenApiSchema {
  const schema: OpenApiSchema = {}
  switch (node.type) {
    case 'array':
      return { type: 'array', items: { ...fieldSchema(node.items!), ...(node.enum ? { enum: node.enum } : {}) } }
    case 'map':
      return { type: 'object', additionalProperties: fieldSchema(node.values!) }
    case 'any':
      return schema
    default:
      schema['type'] = node.type
  }
  if (node.format) schema['format'] = node.format
  if (node.enum) schema['enum'] = node.enum
  return schema
}
