import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { defaultMatchResources, matchResourcesProblems } from '../../rules/admission/match-resources.ts'
import { paramRefProblems } from '../../rules/admission/policy.ts'

const ACTIONS = ['Audit', 'Deny', 'Warn']

export default defineResource('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', {
  categories: ['api-extensions'],
  generation: true,
  columns: [
    { name: 'PolicyName', value: ({ spec }) => spec.policyName },
    { name: 'ParamRef', value: ({ spec: { paramRef } }) => paramRefText(paramRef) },
  ],
  applyDefaults({ spec }) {
    defaultMatchResources(spec.matchResources)
    if (spec.paramRef) spec.paramRef.parameterNotFoundAction ??= 'Deny'
  },
  *validate({ spec }) {
    if (!spec.policyName) yield fieldProblem.required('spec.policyName')
    if (spec.paramRef) yield* paramRefProblems(spec.paramRef, 'spec.paramRef')
    if (spec.matchResources) yield* matchResourcesProblems(spec.matchResources, 'spec.matchResources')
    yield* actionProblems(spec.validationActions ?? [], 'spec.validationActions')
  },
})

function paramRefText(paramRef: { namespace?: string | undefined; name?: string | undefined } | undefined): string {
  if (!paramRef) return '<unset>'
  return paramRef.namespace ? `${paramRef.namespace}/${paramRef.name || '*'}` : paramRef.name || '*'
}

function* actionProblems(actions: readonly string[], path: string): Generator<FieldProblem> {
  if (actions.length === 0) yield fieldProblem.required(path)
  const seen = new Set<string>()
  for (const [index, action] of actions.entries()) {
    if (!ACTIONS.includes(action)) yield fieldProblem.notSupported(`${path}[${index}]`, action, ACTIONS)
    if (seen.has(action)) yield fieldProblem.duplicate(`${path}[${index}]`, action)
    seen.add(action)
  }
  if (seen.has('Deny') && seen.has('Warn')) {
    yield fieldProblem.invalid(
      path,
      actions,
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
    )
  }
}
