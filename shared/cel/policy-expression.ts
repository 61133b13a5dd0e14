import type { MatchCondition, ParamKind, Variable } from '../openapi/generated/admissionregistration-v1.ts'
import { type AdmissionVariables, admissionEnvironment } from './admission-environment.ts'
import type { Environment } from './environment.ts'
import { compile, type Program } from './program.ts'
import { boolType, type CelType, dyn, type ObjectField, typeName } from './type.ts'
import { isSameType } from './unify.ts'

/** An expression of a policy: where it stands, and the program or why there is none. */
export interface PolicyExpression {
  /** Field path: `spec.validations[0].expression`. */
  readonly path: string
  readonly source: string
  readonly compiled: Program | { readonly problems: string }
}

export interface MatchConditionProgram extends PolicyExpression {
  readonly name: string
}

/** What policies of all kinds have. */
export interface SharedPrograms {
  readonly variables: readonly (PolicyExpression & { readonly name: string })[]
  readonly matchConditions: readonly MatchConditionProgram[]
}

interface SharedExpressions {
  readonly paramKind?: ParamKind | undefined
  readonly variables?: readonly Variable[] | undefined
  readonly matchConditions?: readonly MatchCondition[] | undefined
}

/**
 * Match conditions and variables of a policy, compiled, and what its other expressions may speak of. A variable may use those before it, with the
 * types they turned out to have.
 * @param object what `object` and `oldObject` are; default `dyn`
 */
export function sharedPrograms(spec: SharedExpressions, object?: CelType): { programs: SharedPrograms; given: AdmissionVariables } {
  const known = new Map<string, ObjectField>()
  const variablesType: CelType = { kind: 'object', name: 'kubernetes.variables', field: (name) => known.get(name) }
  const plain = { params: spec.paramKind !== undefined, ...(object === undefined ? {} : { object }) }
  const given = { ...plain, variables: variablesType }
  const environment = admissionEnvironment(given)
  const matchConditions = matchConditionPrograms(spec.matchConditions, 'spec.matchConditions', admissionEnvironment(plain))
  const variables = (spec.variables ?? []).map(({ name, expression }, index) => {
    const made = { name, ...expressionOf(`spec.variables[${index}].expression`, expression, environment, undefined) }
    known.set(name, { name, type: 'problems' in made.compiled ? dyn : made.compiled.type })
    return made
  })
  return { programs: { variables, matchConditions }, given }
}

/** The conditions of a policy, or of a webhook, which knows neither parameters nor variables. @param path of the list */
export function matchConditionPrograms(
  conditions: readonly MatchCondition[] = [],
  path: string,
  environment = admissionEnvironment({ params: false }),
): readonly MatchConditionProgram[] {
  return conditions.map(({ name, expression }, index) => ({
    name,
    ...expressionOf(`${path}[${index}].expression`, expression, environment, [boolType]),
  }))
}

/** An expression that must answer one of these types, or what is known only when it is evaluated; upstream's words where it does not. */
export function expressionOf(
  path: string,
  source: string,
  environment: Environment,
  wanted: readonly CelType[] | undefined,
): PolicyExpression {
  const program = compile(source.trim(), environment)
  if ('problems' in program || wanted === undefined || program.type.kind === 'dyn') return { path, source, compiled: program }
  return { path, source, compiled: answering(program, wanted) }
}

/** The program, if it answers just one of these types. */
export function answering(program: Program, wanted: readonly CelType[]): PolicyExpression['compiled'] {
  if (wanted.some((type) => isSameType(type, program.type))) return program
  const names = wanted.map(written)
  const what = names.length > 1 ? `one of [${names.join(' ')}]` : names[0]
  return { problems: `must evaluate to ${what} but got ${written(program.type)}` }
}

const written = (type: CelType) => typeName(type) + (type.kind === 'null' ? '_type' : '')
