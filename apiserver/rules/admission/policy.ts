import type { PolicyExpression } from '../../../shared/cel/policy-expression.ts'
import { allExpressions, policyPrograms } from '../../../shared/cel/policy-programs.ts'
import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  MatchCondition,
  MatchResources,
  ParamKind,
  ValidatingAdmissionPolicySpec,
  Variable,
} from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { matchResourcesProblems } from './match-resources.ts'

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']
/** Upstream's bounds of lists. */
const MOST_CONDITIONS = 64
const MOST_ANNOTATIONS = 20

/** What policies of all kinds have. */
interface PolicySpec {
  paramKind?: ParamKind | undefined
  matchConstraints?: MatchResources | undefined
  failurePolicy?: string | undefined
  matchConditions?: MatchCondition[] | undefined
  variables?: Variable[] | undefined
}

/** A policy that can be followed: everything is there, and all its expressions compile. */
export function* policyProblems(spec: ValidatingAdmissionPolicySpec): Generator<FieldProblem> {
  const { validations = [], auditAnnotations = [] } = spec
  yield* sharedPolicyProblems(spec)
  if (validations.length === 0 && auditAnnotations.length === 0) {
    const detail = 'validations or auditAnnotations must contain at least one item'
    yield fieldProblem.required('spec.validations', detail)
    yield fieldProblem.required('spec.auditAnnotations', detail)
  }
  yield* validationProblems(validations)
  yield* annotationProblems(auditAnnotations)
  yield* expressionProblems(allExpressions(policyPrograms(spec)))
}

/** What a policy of any kind needs, but for what its expressions say. */
export function* sharedPolicyProblems(spec: PolicySpec): Generator<FieldProblem> {
  const { matchConditions = [], variables = [], failurePolicy } = spec
  if (failurePolicy !== undefined && !['Fail', 'Ignore'].includes(failurePolicy)) {
    yield fieldProblem.notSupported('spec.failurePolicy', failurePolicy, ['Fail', 'Ignore'])
  }
  if (spec.paramKind) yield* paramKindProblems(spec.paramKind, 'spec.paramKind')
  if (!spec.matchConstraints) yield fieldProblem.required('spec.matchConstraints')
  else {
    yield* matchResourcesProblems(spec.matchConstraints, 'spec.matchConstraints')
    if (!spec.matchConstraints.resourceRules?.length) yield fieldProblem.required('spec.matchConstraints.resourceRules')
  }
  yield* conditionProblems(matchConditions, 'spec.matchConditions')
  yield* variableProblems(variables, 'spec.variables')
}

/** Expressions that do not compile. */
export function* expressionProblems(expressions: readonly PolicyExpression[]): Generator<FieldProblem> {
  for (const { path, source, compiled } of expressions) {
    if (source.trim() !== '' && 'problems' in compiled) yield fieldProblem.invalid(path, source, compiled.problems)
  }
}

function* validationProblems(validations: NonNullable<ValidatingAdmissionPolicySpec['validations']>): Generator<FieldProblem> {
  for (const [index, { expression, message, messageExpression, reason }] of validations.entries()) {
    const path = `spec.validations[${index}]`
    if (!expression?.trim()) yield fieldProblem.required(`${path}.expression`, 'expression is not specified')
    if (messageExpression !== undefined && !messageExpression.trim()) {
      yield fieldProblem.invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified')
    }
    if (message !== undefined && message !== '' && !message.trim()) {
      yield fieldProblem.invalid(`${path}.message`, message, 'message must be non-empty if specified')
    } else if (message !== undefined && /[\n\r]/.test(message)) {
      yield fieldProblem.invalid(`${path}.message`, message, 'message must not contain line breaks')
    } else if (!message && expression && /[\n\r]/.test(expression.trim())) {
      yield fieldProblem.required(`${path}.message`, 'message must be specified if expression contains line breaks')
    }
    if (reason && !REASONS.includes(reason)) yield fieldProblem.notSupported(`${path}.reason`, reason, REASONS)
  }
}

function* annotationProblems(annotations: NonNullable<ValidatingAdmissionPolicySpec['auditAnnotations']>): Generator<FieldProblem> {
  if (annotations.length > MOST_ANNOTATIONS) {
    yield fieldProblem.invalid('spec.auditAnnotations', annotations.length, `must not have more than ${MOST_ANNOTATIONS} auditAnnotations`)
  }
  const keys = new Set<string>()
  for (const [index, { key, valueExpression }] of annotations.entries()) {
    const path = `spec.auditAnnotations[${index}]`
    if (!key) yield fieldProblem.required(`${path}.key`)
    else for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(`${path}.key`, key, problem)
    if (keys.has(key)) yield fieldProblem.duplicate(`${path}.key`, key)
    keys.add(key)
    if (!valueExpression?.trim()) yield fieldProblem.required(`${path}.valueExpression`, 'valueExpression is not specified')
  }
}

/** Names of match conditions are qualified names, and unique; what their expressions say is checked where they are compiled. */
export function* conditionProblems(conditions: readonly MatchCondition[], path: string): Generator<FieldProblem> {
  if (conditions.length > MOST_CONDITIONS) yield fieldProblem.tooMany(path, conditions.length, MOST_CONDITIONS)
  const names = new Set<string>()
  for (const [index, { name, expression }] of conditions.entries()) {
    if (!expression?.trim()) yield fieldProblem.required(`${path}[${index}].expression`)
    if (!name) yield fieldProblem.required(`${path}[${index}].name`)
    else for (const problem of labelKeyProblems(name)) yield fieldProblem.invalid(`${path}[${index}].name`, name, problem)
    if (name && names.has(name)) yield fieldProblem.duplicate(`${path}[${index}].name`, name)
    names.add(name)
  }
}

function* variableProblems(variables: readonly Variable[], path: string): Generator<FieldProblem> {
  const names = new Set<string>()
  for (const [index, { name, expression }] of variables.entries()) {
    if (!name) yield fieldProblem.required(`${path}[${index}].name`, 'name is not specified')
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name)) {
      yield fieldProblem.invalid(`${path}[${index}].name`, name, 'name is not a valid CEL identifier')
    }
    if (name && names.has(name)) yield fieldProblem.duplicate(`${path}[${index}].name`, name)
    names.add(name)
    if (!expression?.trim()) yield fieldProblem.required(`${path}[${index}].expression`, 'expression is not specified')
  }
}

function* paramKindProblems({ apiVersion, kind }: ParamKind, path: string): Generator<FieldProblem> {
  if (!apiVersion) yield fieldProblem.required(`${path}.apiVersion`)
  else if (!/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[a-z]([-a-z0-9]*[a-z0-9])?$/.test(apiVersion)) {
    yield fieldProblem.invalid(`${path}.apiVersion`, apiVersion, 'must be a version, or a group and a version (group/version)')
  }
  if (!kind) yield fieldProblem.required(`${path}.kind`)
}
