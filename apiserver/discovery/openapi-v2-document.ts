import type { Resource } from '../registry/resource-table.ts'
import { customSchemas } from './openapi-custom.ts'
import { openApiDocument } from './openapi-v3.ts'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** A Swagger 2.0 document, as far as clients of Kubernetes read it. */
export interface OpenApiV2 {
  readonly swagger: '2.0'
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, JsonObject>>
  readonly definitions: Readonly<Record<string, JsonObject>>
  readonly security: readonly Readonly<Record<string, string[]>>[]
  readonly securityDefinitions: Readonly<Record<string, { type: string; description: string; name: string; in: string }>>
}

const METHODS: ReadonlySet<string> = new Set(['get', 'put', 'post', 'delete', 'patch'])

/**
 * What is served, in the older form: clients before 1.27 validate by it, newer ones ask it about kinds that the newer form does not
 * have, before they say that there is no such kind. It is the newer document in other words.
 */
export function openApiV2Document(resources: readonly Resource[]): OpenApiV2 {
  const newer = JSON.parse(JSON.stringify(openApiDocument(resources))) as {
    info: OpenApiV2['info']
    paths: Record<string, JsonObject>
    components: { schemas: Record<string, JsonObject>; securitySchemes: OpenApiV2['securityDefinitions'] }
  }
  return {
    swagger: '2.0',
    info: newer.info,
    paths: mapValues(newer.paths, pathItem),
    definitions: mapValues(newer.components.schemas, (schema) => schemaOf(schema)),
    security: [{ BearerToken: [] }],
    securityDefinitions: newer.components.securitySchemes,
  }
}

/** The document with kinds that were defined at run time, which say their schemas in the older form themselves. */
export function withCustom(base: OpenApiV2, resources: readonly Resource[]): OpenApiV2 {
  const { paths } = openApiV2Document(resources)
  const own = JSON.parse(JSON.stringify(customSchemas(resources, 'v2'))) as Record<string, JsonObject>
  return { ...base, paths: { ...base.paths, ...paths }, definitions: { ...base.definitions, ...own } }
}

function mapValues<V, W>(object: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}

function pathItem(item: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(item).map(([key, value]) => {
      if (key === 'parameters') return [key, (value as JsonObject[]).map(parameterOf)]
      return [key, METHODS.has(key) ? operationOf(value as JsonObject) : value]
    }),
  )
}

function operationOf({ requestBody, responses, parameters, ...operation }: JsonObject): JsonObject {
  const body = requestBody as { required?: boolean; content: Record<string, { schema: JsonObject }> } | undefined
  const [content] = Object.values(body?.content ?? {})
  const bodyParameter: JsonObject[] = content
    ? [{ in: 'body', name: 'body', ...(body?.required ? { required: true } : {}), schema: schemaOf(content.schema) }]
    : []
  const answers = responses as Record<string, { description: string; content?: Record<string, { schema: JsonObject }> }>
  return {
    ...operation,
    consumes: Object.keys(body?.content ?? { '*/*': {} }),
    produces: [...new Set(Object.values(answers).flatMap((answer) => Object.keys(answer.content ?? {})))],
    schemes: ['https'],
    parameters: [...bodyParameter, ...((parameters ?? []) as JsonObject[]).map(parameterOf)],
    responses: mapValues(answers, ({ description, content: written = {} }): JsonObject => {
      const [first] = Object.values(written)
      return first ? { description, schema: schemaOf(first.schema) } : { description }
    }),
  }
}

/** A parameter's type stands beside its name, not in a schema. */
function parameterOf({ schema, ...parameter }: JsonObject): JsonObject {
  return { ...parameter, ...(schema as JsonObject) }
}

/** One schema: no alternatives, defaults or choices (as upstream publishes it), references with their remarks beside them. */
function schemaOf({ allOf, oneOf, default: _default, enum: _enum, ...schema }: JsonObject): JsonObject {
  const changed: JsonObject = oneOf === undefined ? schema : { ...schema, type: 'string' }
  for (const [key, value] of Object.entries(changed)) {
    if (key === '$ref') changed[key] = (value as string).replace('#/components/schemas/', '#/definitions/')
    else if (key === 'properties') changed[key] = mapValues(value as Record<string, JsonObject>, schemaOf)
    else if (key === 'items' || key === 'additionalProperties') changed[key] = schemaOf(value as JsonObject)
  }
  const [referred] = (allOf ?? []) as JsonObject[]
  return referred ? { ...schemaOf(referred), ...changed } : changed
}
