import type { MatchCondition, ValidatingAdmissionPolicySpec } from '../openapi/generated/admissionregistration-v1.ts'
import { admissionEnvironment } from './admission-environment.ts'
import type { Environment } from './environment.ts'
import { compile, type Program } from './program.ts'
import { boolType, type CelType, dyn, nullType, type ObjectField, stringType, typeName } from './type.ts'

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

export interface PolicyPrograms {
  readonly variables: readonly (PolicyExpression & { readonly name: string })[]
  readonly matchConditions: readonly MatchConditionProgram[]
  readonly validations: readonly (PolicyExpression & { readonly message: PolicyExpression | undefined })[]
  readonly auditAnnotations: readonly (PolicyExpression & { readonly key: string })[]
}

type PolicyExpressions = Pick<
  ValidatingAdmissionPolicySpec,
  'variables' | 'matchConditions' | 'validations' | 'auditAnnotations' | 'paramKind'
>

/**
 * All expressions of a policy, compiled. A variable may use those before it, with the types they turned out to have.
 * @param object what `object` and `oldObject` are: the type of a schema, to find out what does not fit it; default `dyn`
 */
export function policyPrograms(spec: PolicyExpressions, object?: CelType): PolicyPrograms {
  const known = new Map<string, ObjectField>()
  const variablesType: CelType = { kind: 'object', name: 'kubernetes.variables', field: (name) => known.get(name) }
  const given = { params: spec.paramKind !== undefined, ...(object === undefined ? {} : { object }) }
  const matchEnvironment = admissionEnvironment(given)
  const environment = admissionEnvironment({ ...given, variables: variablesType })
  const matchConditions = matchConditionPrograms(spec.matchConditions, 'spec.matchConditions', matchEnvironment)
  const variables = (spec.variables ?? []).map(({ name, expression }, index) => {
    const made = { name, ...expressionOf(`spec.variables[${index}].expression`, expression, environment, undefined) }
    known.set(name, { name, type: 'problems' in made.compiled ? dyn : made.compiled.type })
    return made
  })
  const validations = (spec.validations ?? []).map(({ expression, messageExpression }, index) => ({
    ...expressionOf(`spec.validations[${index}].expression`, expression, environment, [boolType]),
    message: messageExpression
      ? expressionOf(`spec.validations[${index}].messageExpression`, messageExpression, environment, [stringType])
      : undefined,
  }))
  const auditAnnotations = (spec.auditAnnotations ?? []).map(({ key, valueExpression }, index) => ({
    key,
    ...expressionOf(`spec.auditAnnotations[${index}].valueExpression`, valueExpression, environment, [stringType, nullType]),
  }))
  return { variables, matchConditions, validations, auditAnnotations }
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

/** Every expression of it, in the order of the fields. */
export function allExpressions({ variables, matchConditions, validations, auditAnnotations }: PolicyPrograms): PolicyExpression[] {
  const ofValidations = validations.flatMap((each) => (each.message ? [each, each.message] : [each]))
  return [...matchConditions, ...variables, ...ofValidations, ...auditAnnotations]
}

/** An expression that must answer one of these types; upstream's words where it does not. */
function expressionOf(path: string, source: string, environment: Environment, wanted: readonly CelType[] | undefined): PolicyExpression {
  const program = compile(source.trim(), environment)
  if ('problems' in program || wanted === undefined || program.type.kind === 'dyn') return { path, source, compiled: program }
  if (wanted.some(({ kind }) => kind === program.type.kind)) return { path, source, compiled: program }
  const names = wanted.map((type) => typeName(type) + (type.kind === 'null' ? '_type' : ''))
  return { path, source, compiled: { problems: `must evaluate to ${wanted.length > 1 ? `one of [${names.join(' ')}]` : names[0]}` } }
}
