import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { JSONSchemaProps } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { linearPattern } from '../../../shared/text/linear-pattern.ts'
import { structuralProblems } from './structural-problems.ts'

/** Places that a schema may have over all; the largest that are in use have a tenth. */
const PLACES = 100_000
/** Schemas in schemas in schemas…; those in use stay below 30. */
const DEPTH = 80

/** What is wrong with the schema of a version, before its defaults are looked at. `seen` counts over all versions. */
export function* schemaProblems(schema: JSONSchemaProps, path: string, hasStatus: boolean): Generator<FieldProblem> {
  const size = { places: 0 }
  let isTooDeep = false
  for (const [, , depth] of placesOf(schema, path)) {
    if (++size.places > PLACES) return yield fieldProblem.forbidden(path, `a schema may have ${PLACES} places`)
    isTooDeep ||= depth > DEPTH
  }
  if (isTooDeep) return yield fieldProblem.forbidden(path, `schemas may be nested ${DEPTH} deep`)
  if (hasStatus) yield* rootProblems(schema, path)
  let count = 0
  for (const [place, at] of placesOf(schema, path)) {
    for (const problem of placeProblems(place, at)) {
      count++
      yield problem
    }
  }
  // The shape of a schema is judged where its words are right.
  if (count === 0) yield* structuralProblems(schema, path)
}

const junctors = ['allOf', 'anyOf', 'oneOf'] as const

/** Every schema of a schema, itself first, with its path and depth; as far as schemas may be nested. */
export function* placesOf(schema: JSONSchemaProps, path: string, depth = 0): Generator<readonly [JSONSchemaProps, string, number]> {
  yield [schema, path, depth]
  if (depth > DEPTH) return
  for (const [child, at] of childrenOf(schema, path)) yield* placesOf(child, at, depth + 1)
}

function* childrenOf(schema: JSONSchemaProps, path: string): Generator<readonly [JSONSchemaProps, string]> {
  for (const map of ['properties', 'patternProperties', 'definitions'] as const) {
    for (const [name, each] of Object.entries(schema[map] ?? {})) yield [each, `${path}.${map}[${name}]`]
  }
  const { items, additionalProperties, additionalItems, not } = schema
  if (Array.isArray(items)) for (const [index, each] of items.entries()) yield [each, `${path}.items[${index}]`]
  else if (items) yield [items, `${path}.items`]
  if (typeof additionalProperties === 'object') yield [additionalProperties, `${path}.additionalProperties`]
  if (typeof additionalItems === 'object') yield [additionalItems, `${path}.additionalItems`]
  if (not) yield [not, `${path}.not`]
  for (const junctor of junctors)
    for (const [index, each] of (schema[junctor] ?? []).entries()) yield [each, `${path}.${junctor}[${index}]`]
}

/** What may stand at the root when the status has a life of its own: nothing that would speak of the whole. */
const atRoot = new Set(
  'description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems multipleOf required items properties externalDocs example x-kubernetes-preserve-unknown-fields x-kubernetes-validations'.split(
    ' ',
  ),
)

function* rootProblems(schema: JSONSchemaProps, path: string): Generator<FieldProblem> {
  const other = Object.entries(schema).find(([key, value]) => value !== undefined && !atRoot.has(key))
  if (other) {
    const fields = [...atRoot].join(' ')
    yield fieldProblem.wrong(path, `only [${fields}] fields are allowed at the root of the schema if the status subresource is enabled`)
  }
}

const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const
const types = new Set(['', 'array', 'boolean', 'integer', 'number', 'object', 'string'])
const formatTypes: Readonly<Record<string, string>> = { int32: 'integer', int64: 'integer', float: 'number', double: 'number' }

function* placeProblems(schema: JSONSchemaProps, path: string): Generator<FieldProblem> {
  for (const word of unsupported) {
    const value = schema[word]
    if (value !== undefined && value !== '' && !isEmpty(value)) yield fieldProblem.forbidden(`${path}.${word}`, `${word} is not supported`)
  }
  const { type = '', items, properties, additionalProperties, pattern } = schema
  if (type === 'null') yield fieldProblem.forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative')
  else if (!types.has(type)) yield fieldProblem.notSupported(`${path}.type`, type, [...types].filter((each) => each !== '').sort())
  if (Array.isArray(items)) yield fieldProblem.forbidden(`${path}.items`, 'items must be a schema object and not an array')
  if (schema.uniqueItems) {
    yield fieldProblem.forbidden(`${path}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')
  }
  if (
    additionalProperties !== undefined &&
    !isEmpty(properties) &&
    (additionalProperties === false || typeof additionalProperties === 'object')
  ) {
    yield fieldProblem.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive')
  }
  if (additionalProperties === false)
    yield fieldProblem.forbidden(`${path}.additionalProperties`, 'additionalProperties cannot be set to false')
  if (pattern) yield* patternProblems(pattern, path)
  const wanted = schema.format && Object.hasOwn(formatTypes, schema.format) ? formatTypes[schema.format] : undefined
  if (wanted && type !== '' && type !== wanted && !(wanted === 'integer' && type === 'number')) {
    yield fieldProblem.invalid(`${path}.format`, schema.format, `must not be used with type ${type}`)
  }
  yield* extensionProblems(schema, path)
}

function* patternProblems(pattern: string, path: string): Generator<FieldProblem> {
  try {
    linearPattern(pattern)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    yield fieldProblem.invalid(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${why}`)
  }
}

function* extensionProblems(schema: JSONSchemaProps, path: string): Generator<FieldProblem> {
  const type = schema.type ?? ''
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    yield fieldProblem.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined')
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined && type !== 'object') {
    yield fieldProblem.invalid(`${path}.type`, type, 'must be object if x-kubernetes-map-type is specified')
  }
  if (mapType !== undefined && mapType !== 'atomic' && mapType !== 'granular') {
    yield fieldProblem.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])
  }
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-map-keys`
  if (listType !== undefined && type !== 'array') {
    yield fieldProblem.invalid(`${path}.type`, type, 'must be array if x-kubernetes-list-type is specified')
  } else if (listType !== undefined && !['atomic', 'map', 'set'].includes(listType)) {
    yield fieldProblem.notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map'])
  }
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
    yield listType === undefined
      ? fieldProblem.required(`${path}.x-kubernetes-list-type`, detail)
      : fieldProblem.invalid(`${path}.x-kubernetes-list-type`, listType, detail)
  }
  if (listType === 'map') yield* mapKeyProblems(schema, keys, path, at)
}

function* mapKeyProblems(schema: JSONSchemaProps, keys: readonly string[], path: string, at: string): Generator<FieldProblem> {
  if (keys.length === 0) yield fieldProblem.required(at, 'must not be empty if x-kubernetes-list-type is map')
  const { items } = schema
  if (!items || Array.isArray(items)) return
  if (items.type !== 'object')
    yield fieldProblem.invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")
  for (const [index, key] of keys.entries()) {
    if (keys.indexOf(key) !== index) yield fieldProblem.duplicate(`${at}[${index}]`, key)
    const field = items.properties && Object.hasOwn(items.properties, key) ? items.properties[key] : undefined
    if (!field) yield fieldProblem.invalid(`${at}[${index}]`, key, 'entries must all be names of item properties')
    else if (field.type === 'array' || field.type === 'object') {
      yield fieldProblem.invalid(
        `${path}.items.properties[${key}].type`,
        field.type,
        `must be a scalar type if parent array's x-kubernetes-list-type is map`,
      )
    } else if (field.default === undefined && !items.required?.includes(key)) {
      yield fieldProblem.required(
        `${path}.items.properties[${key}].default`,
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      )
    }
  }
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}
