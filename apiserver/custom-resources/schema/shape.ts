import type { JSONSchemaProps, ValidationRule } from '../../../shared/openapi/generated/apiextensions-v1.ts'
import { writeExactJson } from '../../../shared/text/exact-json.ts'
import { type LinearPattern, linearPattern } from '../../../shared/text/linear-pattern.ts'

/** The facts of one place of a structural schema, ready to be walked: what prunes, fills in and checks a value there. */
export interface Shape {
  /** Empty: any, or whatever the alternatives say. */
  readonly type: string
  readonly properties: ReadonlyMap<string, Shape>
  /** `additionalProperties`: what further keys hold; `any` for `true`. */
  readonly values: Shape | 'any' | undefined
  readonly items: Shape | undefined
  readonly isNullable: boolean
  /** `x-kubernetes-preserve-unknown-fields` */
  readonly isOpen: boolean
  /** `x-kubernetes-embedded-resource` */
  readonly isEmbedded: boolean
  readonly isIntOrString: boolean
  readonly default: unknown
  readonly listType: 'atomic' | 'set' | 'map' | undefined
  readonly listMapKeys: readonly string[]
  readonly mapType: 'atomic' | 'granular' | undefined
  readonly required: readonly string[]
  readonly enum: { readonly texts: ReadonlySet<string>; readonly shown: readonly string[] } | undefined
  readonly pattern: LinearPattern | undefined
  readonly format: string | undefined
  readonly bounds: Bounds
  readonly allOf: readonly Shape[]
  readonly anyOf: readonly Shape[]
  readonly oneOf: readonly Shape[]
  readonly not: Shape | undefined
  readonly rules: readonly ValidationRule[]
  /** Whether anything at or below this place has a default, or nulls to drop: a walk may stop where nothing is to be filled in. */
  readonly fills: boolean
}

export type Bounds = Pick<
  JSONSchemaProps,
  | 'minimum'
  | 'maximum'
  | 'exclusiveMinimum'
  | 'exclusiveMaximum'
  | 'multipleOf'
  | 'minLength'
  | 'maxLength'
  | 'minItems'
  | 'maxItems'
  | 'minProperties'
  | 'maxProperties'
>

const noShapes: ReadonlyMap<string, Shape> = new Map()

/** Compiles a schema that has passed `schemaProblems`. @throws Error for a pattern that is none */
export function shapeOf(schema: JSONSchemaProps): Shape {
  const { items, additionalProperties, properties } = schema
  const fields = properties ? new Map(Object.entries(properties).map(([name, each]) => [name, shapeOf(each)])) : noShapes
  const own = items && !Array.isArray(items) ? shapeOf(items) : undefined
  const values = typeof additionalProperties === 'object' ? shapeOf(additionalProperties) : additionalProperties ? 'any' : undefined
  return {
    type: schema.type ?? '',
    ...{ properties: fields, values, items: own },
    isNullable: schema.nullable ?? false,
    isOpen: schema['x-kubernetes-preserve-unknown-fields'] ?? false,
    isEmbedded: schema['x-kubernetes-embedded-resource'] ?? false,
    isIntOrString: schema['x-kubernetes-int-or-string'] ?? false,
    default: schema.default ?? undefined,
    listType: listTypeOf(schema['x-kubernetes-list-type']),
    listMapKeys: schema['x-kubernetes-list-map-keys'] ?? [],
    mapType: schema['x-kubernetes-map-type'] === 'atomic' ? 'atomic' : undefined,
    required: schema.required ?? [],
    enum: schema.enum && { texts: new Set(schema.enum.map(canonical)), shown: schema.enum.map(shownValue) },
    pattern: schema.pattern ? linearPattern(schema.pattern) : undefined,
    format: schema.format || undefined,
    bounds: boundsOf(schema),
    ...{ allOf: shapesOf(schema.allOf), anyOf: shapesOf(schema.anyOf), oneOf: shapesOf(schema.oneOf) },
    not: schema.not && shapeOf(schema.not),
    rules: schema['x-kubernetes-validations'] ?? [],
    fills: fields.size > 0 || own?.fills === true || (typeof values === 'object' && (values.fills || !values.isNullable)),
  }
}

function shapesOf(schemas: readonly JSONSchemaProps[] | undefined): readonly Shape[] {
  return (schemas ?? []).map(shapeOf)
}

function listTypeOf(text: string | undefined): Shape['listType'] {
  return text === 'atomic' || text === 'set' || text === 'map' ? text : undefined
}

function boundsOf(schema: JSONSchemaProps): Bounds {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const { minLength, maxLength, minItems, maxItems, minProperties, maxProperties } = schema
  return {
    ...{ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf },
    ...{ minLength, maxLength, minItems, maxItems, minProperties, maxProperties },
  }
}

/** One text for all values that are equal as JSON. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return writeExactJson(value) ?? 'null'
  const members = Object.entries(value).filter(([, each]) => each !== undefined)
  return `{${members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`)
    .join(',')}}`
}

function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')
}
