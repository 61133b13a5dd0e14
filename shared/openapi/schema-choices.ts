/**
 * Definitions that are a schema or something simpler. Go gives them decoders of their own, so the table of facts knows nothing of them
 * but the name; what is inside is still decoded by the schema it has.
 */
import type { DecodeState } from './schema-decoder.ts'

const PACKAGE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'

type DecodeSchema = (value: unknown, state: DecodeState) => unknown
type Choice = (value: unknown, state: DecodeState, schema: DecodeSchema) => unknown

export type ChoiceName = 'JSONSchemaPropsOrArray' | 'JSONSchemaPropsOrBool' | 'JSONSchemaPropsOrStringArray'

const choices: Readonly<Record<ChoiceName, Choice>> = {
  JSONSchemaPropsOrArray: (value, state, schema) =>
    Array.isArray(value) ? value.map((each: unknown) => schema(each ?? {}, state)) : schema(value, state),
  JSONSchemaPropsOrBool: (value, state, schema) => (typeof value === 'boolean' ? value : schema(value, state)),
  JSONSchemaPropsOrStringArray: (value, state, schema) => (isStrings(value) ? value : schema(value, state)),
}

/** Which of these definitions has this name; undefined for all others. */
export function choiceNameOf(name: string | undefined): ChoiceName | undefined {
  if (!name?.startsWith(`${PACKAGE}.JSONSchemaPropsOr`)) return undefined
  const short = name.slice(PACKAGE.length + 1)
  return Object.hasOwn(choices, short) ? (short as ChoiceName) : undefined
}

/** How a definition of this name chooses; undefined for all others. */
export function choiceOf(name: string | undefined): Choice | undefined {
  const short = choiceNameOf(name)
  return short && choices[short]
}

/** The definition that all of them may hold. */
export const CHOSEN_SCHEMA = `${PACKAGE}.JSONSchemaProps`

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
