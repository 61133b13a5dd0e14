import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
  JSONSchemaProps,
} from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { fieldNames, parseJsonPath } from '../json-path.ts'

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['int32', 'int64', 'float', 'double', 'byte', 'date', 'date-time', 'password']
/** Printer columns of a version: each is a cell of every row. */
const COLUMNS = 100
/** As upstream: each is kept beside every object. */
const SELECTABLE_FIELDS = 8

/** What is wrong with a version besides its schema: columns, scale, selectable fields. */
export function* versionPartProblems(version: CustomResourceDefinitionVersion, path: string): Generator<FieldProblem> {
  const { additionalPrinterColumns = [], subresources, selectableFields = [], schema } = version
  if (additionalPrinterColumns.length > COLUMNS) {
    yield fieldProblem.tooMany(`${path}.additionalPrinterColumns`, additionalPrinterColumns.length, COLUMNS)
  }
  for (const [index, column] of additionalPrinterColumns.entries()) {
    yield* columnProblems(column, `${path}.additionalPrinterColumns[${index}]`)
  }
  if (subresources?.scale) yield* scaleProblems(subresources.scale, `${path}.subresources.scale`)
  if (selectableFields.length > SELECTABLE_FIELDS) {
    yield fieldProblem.tooMany(`${path}.selectableFields`, selectableFields.length, SELECTABLE_FIELDS)
  }
  const seen = new Set<string>()
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const at = `${path}.selectableFields[${index}].jsonPath`
    if (seen.has(jsonPath)) yield fieldProblem.duplicate(at, jsonPath)
    seen.add(jsonPath)
    yield* selectableProblems(jsonPath, at, schema?.openAPIV3Schema)
  }
}

function* columnProblems({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): Generator<FieldProblem> {
  if (name === '') yield fieldProblem.required(`${path}.name`)
  if (type === '') yield fieldProblem.required(`${path}.type`, `must be one of ${columnTypes.join(',')}`)
  else if (!columnTypes.includes(type)) yield fieldProblem.invalid(`${path}.type`, type, `must be one of ${columnTypes.join(',')}`)
  if (format && !columnFormats.includes(format)) {
    yield fieldProblem.invalid(`${path}.format`, format, `must be one of ${[...columnFormats].sort().join(',')}`)
  }
  if (jsonPath === '') yield fieldProblem.required(`${path}.jsonPath`)
  else yield* pathProblems(jsonPath, `${path}.jsonPath`)
}

function* pathProblems(text: string, path: string): Generator<FieldProblem> {
  if (!text.startsWith('.')) return yield fieldProblem.invalid(path, text, 'must be a simple json path starting with .')
  try {
    parseJsonPath(text)
  } catch (error) {
    yield fieldProblem.invalid(path, text, `must be a json path: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function* scaleProblems(scale: CustomResourceSubresourceScale, path: string): Generator<FieldProblem> {
  yield* scalePathProblems(scale.specReplicasPath, `${path}.specReplicasPath`, '.spec')
  yield* scalePathProblems(scale.statusReplicasPath, `${path}.statusReplicasPath`, '.status')
  if (scale.labelSelectorPath) {
    const isSpec = scale.labelSelectorPath.startsWith('.spec.')
    yield* scalePathProblems(scale.labelSelectorPath, `${path}.labelSelectorPath`, isSpec ? '.spec' : '.status')
  }
}

function* scalePathProblems(text: string, path: string, root: string): Generator<FieldProblem> {
  if (text === '') return yield fieldProblem.required(path)
  let isBad = false
  for (const problem of pathProblems(text, path)) {
    isBad = true
    yield problem
  }
  if (isBad) return
  if (!text.startsWith(`${root}.`)) yield fieldProblem.invalid(path, text, `should be a json path under ${root}`)
  else if (!fieldNames(parseJsonPath(text))) yield fieldProblem.invalid(path, text, 'must be a json path in the dot notation')
}

function* selectableProblems(text: string, path: string, schema: JSONSchemaProps | undefined): Generator<FieldProblem> {
  if (text === '') return yield fieldProblem.required(path)
  let isBad = false
  for (const problem of pathProblems(text, path)) {
    isBad = true
    yield problem
  }
  const names = isBad ? undefined : fieldNames(parseJsonPath(text))
  if (isBad) return
  if (!names || names.length === 0) return yield fieldProblem.invalid(path, text, 'must be a json path in the dot notation, without arrays')
  if (names[0] === 'metadata') return yield fieldProblem.invalid(path, text, 'must not point to fields in metadata')
  let place = schema
  for (const name of names) place = place?.properties && Object.hasOwn(place.properties, name) ? place.properties[name] : undefined
  if (!place) yield fieldProblem.invalid(path, text, 'does not refer to a valid field')
  else if (!['string', 'boolean', 'integer'].includes(place.type ?? '')) {
    yield fieldProblem.invalid(path, text, 'must point to a field of type string, boolean or integer')
  }
}
