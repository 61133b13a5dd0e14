import type { JSONSchemaProps } from '../../shared/openapi/generated/apiextensions-v1.ts'
import type { Resource } from '../registry/resource-table.ts'
import { type OpenApiSchema, schemaReference } from './openapi-schemas.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** Which form of the specification: the older one has no alternatives, and its readers stumble over what is nullable or open. */
export type OpenApiForm = 'v2' | 'v3'

/** Definitions of kinds that were defined at run time, and of their lists, in the words of their own schemas. */
export function customSchemas(resources: readonly Resource[], form: OpenApiForm): Record<string, OpenApiSchema> {
  const found: Record<string, OpenApiSchema> = {}
  for (const resource of resources) {
    if (!resource.custom) continue
    found[resource.facts.definition] = objectSchema(resource, resource.custom.schema, form)
    found[`${resource.facts.definition}List`] = listSchema(resource, form)
  }
  return found
}

function objectSchema({ group, version, kind }: Resource, schema: JSONSchemaProps, form: OpenApiForm): OpenApiSchema {
  const named = { 'x-kubernetes-group-version-kind': [{ group, kind, version }] }
  // Upstream says no more of a kind that may have any fields.
  if (form === 'v2' && schema['x-kubernetes-preserve-unknown-fields']) return { type: 'object', ...named }
  const own = form === 'v2' ? olderSchema(schema) : { ...schema }
  const properties = { ...(own['properties'] as object | undefined), ...typeFields(`${META}.ObjectMeta`, form) }
  return { ...own, properties, ...named }
}

function listSchema({ group, version, listKind, facts }: Resource, form: OpenApiForm): OpenApiSchema {
  return {
    type: 'object',
    required: ['items'],
    properties: { ...typeFields(`${META}.ListMeta`, form), items: { type: 'array', items: referenceTo(facts.definition, form) } },
    'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
  }
}

function typeFields(metadata: string, form: OpenApiForm): OpenApiSchema {
  const reference = referenceTo(metadata, form)
  return {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: form === 'v3' ? { allOf: [reference], default: {} } : reference,
  }
}

function referenceTo(name: string, form: OpenApiForm): OpenApiSchema {
  return form === 'v3' ? schemaReference(name) : { $ref: `#/definitions/${name}` }
}

/** As upstream publishes a structural schema in OpenAPI 2: what it cannot say is left out, so that validators let it pass. */
function olderSchema(schema: JSONSchemaProps): OpenApiSchema {
  const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, not: _not, nullable, items, properties, additionalProperties, ...own } = schema
  const older: OpenApiSchema = { ...own }
  if (nullable) {
    delete older['type']
    delete older['enum']
    return older
  }
  if (schema['x-kubernetes-preserve-unknown-fields']) return older
  if (items && !Array.isArray(items)) older['items'] = olderSchema(items)
  if (properties) older['properties'] = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, olderSchema(each)]))
  if (additionalProperties !== undefined) {
    older['additionalProperties'] = typeof additionalProperties === 'object' ? olderSchema(additionalProperties) : additionalProperties
  }
  return older
}
