import { WireWriter } from '../protobuf/wire-writer.ts'
import type { Json, JsonObject, OpenApiV2 } from './openapi-v2-document.ts'

type Named<V> = Readonly<Record<string, V>>

/**
 * The document as gnostic's `openapi.v2.Document`, the only form in which client-go reads it. Field numbers are those of
 * OpenAPIv2.proto; remarks (`x-…`) travel as YAML, of which JSON is a part.
 */
export function openApiV2Protobuf({ swagger, info, paths, definitions, security, securityDefinitions }: OpenApiV2): Buffer {
  const document = new WireWriter().string(1, swagger)
  document.message(2, (inner) => inner.string(1, info.title).string(2, info.version))
  document.message(8, (inner) => entries(inner, 2, paths, pathItem))
  document.message(9, (inner) => entries(inner, 1, definitions, schema))
  const scopes = (inner: WireWriter, values: readonly string[]) => {
    for (const value of values) inner.string(1, value)
  }
  for (const required of security) document.message(12, (inner) => entries(inner, 1, required, scopes))
  document.message(13, (inner) =>
    entries(inner, 1, securityDefinitions, (item, scheme) => {
      item.message(2, (key) => key.string(1, scheme.type).string(2, scheme.name).string(3, scheme.in).string(4, scheme.description))
    }),
  )
  return document.finish()
}

/** A map is a list of names with their values. */
function entries<V>(writer: WireWriter, number: number, map: Named<V>, write: (inner: WireWriter, value: V) => void): void {
  for (const [name, value] of Object.entries(map)) {
    writer.message(number, (entry) => entry.string(1, name).message(2, (inner) => write(inner, value)))
  }
}

const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['get', 2],
  ['put', 3],
  ['post', 4],
  ['delete', 5],
  ['patch', 8],
])

function pathItem(writer: WireWriter, item: JsonObject): void {
  for (const [key, value] of Object.entries(item)) {
    const number = METHOD_NUMBERS.get(key)
    if (number !== undefined) writer.message(number, (inner) => operation(inner, value as JsonObject))
    if (key === 'parameters') parameters(writer, 9, value as JsonObject[])
  }
}

function operation(writer: WireWriter, object: JsonObject): void {
  strings(writer, 1, object['tags'])
  writer.string(3, object['description'] as string).string(5, object['operationId'] as string)
  strings(writer, 6, object['produces'])
  strings(writer, 7, object['consumes'])
  parameters(writer, 8, object['parameters'] as JsonObject[])
  writer.message(9, (inner) => entries(inner, 1, object['responses'] as Named<JsonObject>, response))
  strings(writer, 10, object['schemes'])
  extensions(writer, 13, object)
}

function response(writer: WireWriter, { description, schema: answered }: JsonObject): void {
  writer.message(1, (inner) => {
    inner.string(1, description as string)
    if (answered) inner.message(2, (item) => item.message(1, (one) => schema(one, answered as JsonObject)))
  })
}

function parameters(writer: WireWriter, number: number, list: readonly JsonObject[]): void {
  for (const each of list) writer.message(number, (item) => item.message(1, (inner) => parameter(inner, each)))
}

function parameter(writer: WireWriter, { name, in: place, required, type, uniqueItems, schema: body }: JsonObject): void {
  if (place === 'body') {
    writer.message(1, (inner) => {
      inner
        .string(2, name as string)
        .string(3, place)
        .bool(4, required === true)
      inner.message(5, (one) => schema(one, body as JsonObject))
    })
    return
  }
  // Parameters in the query have one more field before the type, and everything after it moves up.
  const isQuery = place === 'query'
  writer.message(2, (other) =>
    other.message(isQuery ? 3 : 4, (inner) => {
      inner
        .bool(1, required === true)
        .string(2, place as string)
        .string(4, name as string)
      inner.string(isQuery ? 6 : 5, type as string).bool(isQuery ? 20 : 19, uniqueItems === true)
    }),
  )
}

function schema(writer: WireWriter, object: JsonObject): void {
  writer
    .string(1, object['$ref'] as string)
    .string(2, object['format'] as string)
    .string(4, object['description'] as string)
  strings(writer, 19, object['required'])
  const { additionalProperties, type, items, properties } = object
  if (additionalProperties) writer.message(21, (inner) => inner.message(1, (one) => schema(one, additionalProperties as JsonObject)))
  if (type) writer.message(22, (inner) => inner.string(1, type as string))
  if (items) writer.message(23, (inner) => inner.message(1, (one) => schema(one, items as JsonObject)))
  if (properties) writer.message(25, (inner) => entries(inner, 1, properties as Named<JsonObject>, schema))
  extensions(writer, 31, object)
}

function strings(writer: WireWriter, number: number, list: Json | undefined): void {
  for (const value of (list ?? []) as string[]) writer.string(number, value)
}

function extensions(writer: WireWriter, number: number, object: JsonObject): void {
  for (const [name, value] of Object.entries(object)) {
    if (!name.startsWith('x-')) continue
    writer.message(number, (entry) => entry.string(1, name).message(2, (any) => any.string(2, JSON.stringify(value))))
  }
}
