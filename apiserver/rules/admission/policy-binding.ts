import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { MatchResources, ParamRef } from '../../../shared/openapi/generated/admissionregistration-v1.ts'
import { subdomainProblems } from '../../../shared/selectors/label-syntax.ts'
import { labelSelectorProblems } from '../metadata/label-selector.ts'
import { defaultMatchResources, matchResourcesProblems } from './match-resources.ts'

/** What bindings of policies of all kinds have. */
interface BindingSpec {
  policyName?: string | undefined
  paramRef?: ParamRef | undefined
  matchResources?: MatchResources | undefined
}

/** What holds where a binding does not say. */
export function defaultBinding({ matchResources, paramRef }: BindingSpec): void {
  defaultMatchResources(matchResources)
  if (paramRef) paramRef.parameterNotFoundAction ??= 'Deny'
}

/** The policy that it puts into force, with which parameters, and for what. */
export function* bindingProblems({ policyName, paramRef, matchResources }: BindingSpec): Generator<FieldProblem> {
  if (!policyName) yield fieldProblem.required('spec.policyName')
  else for (const problem of subdomainProblems(policyName)) yield fieldProblem.invalid('spec.policyName', policyName, problem)
  if (paramRef) yield* paramRefProblems(paramRef, 'spec.paramRef')
  if (matchResources) yield* matchResourcesProblems(matchResources, 'spec.matchResources')
}

/** Which objects a binding gives to its policy. */
function* paramRefProblems(paramRef: ParamRef, path: string): Generator<FieldProblem> {
  const { name, selector, parameterNotFoundAction } = paramRef
  if (name && selector) yield fieldProblem.forbidden(`${path}.name`, 'name and selector are mutually exclusive')
  if (!name && !selector) yield fieldProblem.required(path, 'one of name or selector must be specified')
  if (selector) yield* labelSelectorProblems(selector, `${path}.selector`)
  if (!parameterNotFoundAction) yield fieldProblem.required(`${path}.parameterNotFoundAction`)
  else if (!['Allow', 'Deny'].includes(parameterNotFoundAction)) {
    yield fieldProblem.notSupported(`${path}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow'])
  }
}
