import type { ValidatingAdmissionPolicySpec } from '../openapi/generated/admissionregistration-v1.ts'
import { admissionEnvironment } from './admission-environment.ts'
import { expressionOf, type PolicyExpression, type SharedPrograms, sharedPrograms } from './policy-expression.ts'
import { boolType, type CelType, nullType, stringType } from './type.ts'

/** The expressions of a ValidatingAdmissionPolicy. */
export interface PolicyPrograms extends SharedPrograms {
  readonly validations: readonly (PolicyExpression & { readonly message: PolicyExpression | undefined })[]
  readonly auditAnnotations: readonly (PolicyExpression & { readonly key: string })[]
}

type PolicyExpressions = Pick<
  ValidatingAdmissionPolicySpec,
  'variables' | 'matchConditions' | 'validations' | 'auditAnnotations' | 'paramKind'
>

/**
 * All expressions of a policy, compiled.
 * @param object what `object` and `oldObject` are: the type of a schema, to find out what does not fit it; default `dyn`
 */
export function policyPrograms(spec: PolicyExpressions, object?: CelType): PolicyPrograms {
  const { programs, given } = sharedPrograms(spec, object)
  const environment = admissionEnvironment(given)
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
  return { ...programs, validations, auditAnnotations }
}

/** Every expression of it, in the order of the fields. */
export function allExpressions({ variables, matchConditions, validations, auditAnnotations }: PolicyPrograms): PolicyExpression[] {
  const ofValidations = validations.flatMap((each) => (each.message ? [each, each.message] : [each]))
  return [...matchConditions, ...variables, ...ofValidations, ...auditAnnotations]
}
