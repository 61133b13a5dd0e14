import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { JSONSchemaProps } from '../../../shared/openapi/generated/apiextensions-v1.ts'

type Level = 'root' | 'item' | 'field'

const missingType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

/**
 * Whether a schema is structural (KEP-1693): every place says its type once, outside of alternatives; alternatives only restrict what is
 * specified. The sentences are upstream's.
 */
export function* structuralProblems(schema: JSONSchemaProps, path: string, level: Level = 'root'): Generator<FieldProblem> {
  const { type = '', items, properties = {}, additionalProperties } = schema
  if (type === 'array' && !items) yield fieldProblem.required(`${path}.items`, 'must be specified')
  if (items && !Array.isArray(items)) yield* structuralProblems(items, `${path}.items`, 'item')
  for (const [name, each] of Object.entries(properties)) yield* structuralProblems(each, `${path}.properties[${name}]`, 'field')
  if (additionalProperties !== undefined && level === 'root')
    yield fieldProblem.forbidden(`${path}.additionalProperties`, 'must not be used at the root')
  if (typeof additionalProperties === 'object') yield* structuralProblems(additionalProperties, `${path}.additionalProperties`, 'field')
  yield* typeProblems(schema, path, level)
  yield* embeddedProblems(schema, path, level)
  yield* alternativesProblems(schema, schema, path, schema['x-kubernetes-int-or-string'] ?? false)
}

function* typeProblems(schema: JSONSchemaProps, path: string, level: Level): Generator<FieldProblem> {
  const { type = '' } = schema
  const isIntOrString = schema['x-kubernetes-int-or-string']
  const isOpen = schema['x-kubernetes-preserve-unknown-fields']
  const isEmbedded = schema['x-kubernetes-embedded-resource']
  if (isIntOrString && isOpen) {
    yield fieldProblem.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, 'must be false if x-kubernetes-int-or-string is true')
  }
  if (isIntOrString && isEmbedded) {
    yield fieldProblem.invalid(`${path}.x-kubernetes-embedded-resource`, true, 'must be false if x-kubernetes-int-or-string is true')
  }
  if (isIntOrString && type !== '') yield fieldProblem.forbidden(`${path}.type`, 'must be empty if x-kubernetes-int-or-string is true')
  if (isEmbedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true'
    yield type === '' ? fieldProblem.required(`${path}.type`, detail) : fieldProblem.invalid(`${path}.type`, type, detail)
  } else if (type === '' && !isIntOrString && !isOpen) yield fieldProblem.required(`${path}.type`, missingType[level])
  if (level === 'root' && type !== '' && type !== 'object') yield fieldProblem.invalid(`${path}.type`, type, 'must be object at the root')
}

function* embeddedProblems(schema: JSONSchemaProps, path: string, level: Level): Generator<FieldProblem> {
  const isEmbedded = schema['x-kubernetes-embedded-resource'] ?? false
  if (level !== 'root' && !isEmbedded) return
  const { properties = {}, additionalProperties } = schema
  if (isEmbedded && additionalProperties !== undefined) {
    yield fieldProblem.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set')
  }
  if (isEmbedded && !schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(properties).length === 0) {
    const detail = 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    yield fieldProblem.required(`${path}.properties`, detail)
  }
  for (const name of ['kind', 'apiVersion']) {
    const type = Object.hasOwn(properties, name) ? (properties[name]!.type ?? '') : 'string'
    if (type !== 'string') yield fieldProblem.invalid(`${path}.properties[${name}].type`, type, 'must be string')
  }
  if (!Object.hasOwn(properties, 'metadata')) return
  const metadata = properties['metadata']!
  const at = `${path}.properties[metadata]`
  if ((metadata.type ?? '') !== 'object') yield fieldProblem.invalid(`${at}.type`, metadata.type ?? '', 'must be object')
  if (level === 'root' && !isPlainMetadata(metadata)) {
    yield fieldProblem.forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified')
  }
}

/** Of metadata, only the names may be restricted. */
function isPlainMetadata({ type: _type, properties = {}, description: _description, ...rest }: JSONSchemaProps): boolean {
  const names = Object.keys(properties)
  const isSaid = Object.values(rest).some((value) => value !== undefined)
  return !isSaid && names.every((name) => name === 'name' || name === 'generateName')
}

const forbidden = [
  ['type', 'must be empty to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
] as const

/** Alternatives of a place; `outer` is what specifies it. */
function* alternativesProblems(
  schema: JSONSchemaProps,
  outer: JSONSchemaProps,
  path: string,
  isIntOrString: boolean,
): Generator<FieldProblem> {
  const isUsual = isIntOrString && isIntOrStringChoice(schema.anyOf)
  if (!isUsual) for (const [index, each] of (schema.anyOf ?? []).entries()) yield* nestedProblems(each, outer, `${path}.anyOf[${index}]`)
  for (const [index, each] of (schema.allOf ?? []).entries()) {
    const isFirstChoice = isIntOrString && index === 0 && isIntOrStringChoice(each.anyOf)
    const { anyOf: _anyOf, ...others } = each
    yield* nestedProblems(isFirstChoice ? others : each, outer, `${path}.allOf[${index}]`)
  }
  for (const [index, each] of (schema.oneOf ?? []).entries()) yield* nestedProblems(each, outer, `${path}.oneOf[${index}]`)
  if (schema.not) yield* nestedProblems(schema.not, outer, `${path}.not`)
}

function* nestedProblems(schema: JSONSchemaProps, outer: JSONSchemaProps, path: string): Generator<FieldProblem> {
  for (const [word, detail] of forbidden) {
    const value = schema[word]
    const isSaid = value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0)
    if (isSaid) yield fieldProblem.forbidden(`${path}.${word}`, detail)
  }
  yield* alternativesProblems(schema, outer, path, false)
  const { items, properties = {} } = schema
  if (items && !Array.isArray(items)) {
    const own = outer.items
    if (!own || Array.isArray(own)) yield unspecified(path, '.items')
    else yield* nestedProblems(items, own, `${path}.items`)
  }
  for (const [name, each] of Object.entries(properties)) {
    const at = `${path}.properties[${name}]`
    if (name === 'metadata') yield fieldProblem.forbidden(at, 'must not be specified in a nested context')
    const own = outer.properties && Object.hasOwn(outer.properties, name) ? outer.properties[name] : undefined
    if (own) yield* nestedProblems(each, own, at)
    else yield unspecified(path, `.properties[${name}]`)
  }
}

/** What an alternative speaks of is specified by the place itself. */
function unspecified(path: string, what: string): FieldProblem {
  const outside = path.replace(/\.(allOf|anyOf|oneOf)\[\d+\]|\.not(?=\.|$)/g, '')
  return fieldProblem.required(`${outside}${what}`, `because it is defined in ${path}${what}`)
}

function isIntOrStringChoice(choice: readonly JSONSchemaProps[] | undefined): boolean {
  const types = (choice ?? []).map((each) => (Object.keys(each).length === 1 ? each.type : undefined))
  return types.length === 2 && types[0] === 'integer' && types[1] === 'string'
}
