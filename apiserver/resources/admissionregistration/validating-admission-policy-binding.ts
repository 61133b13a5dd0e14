import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { bindingProblems, defaultBinding } from '../../rules/admission/policy-binding.ts'
import { paramRefCell } from '../../rules/admission/policy-cells.ts'

const ACTIONS = ['Audit', 'Deny', 'Warn']

export default defineResource('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', {
  categories: ['api-extensions'],
  generation: true,
  columns: [
    { name: 'PolicyName', value: ({ spec }) => spec.policyName },
    { name: 'ParamRef', value: ({ spec: { paramRef } }) => paramRefCell(paramRef) },
  ],
  applyDefaults: ({ spec }) => defaultBinding(spec),
  *validate({ spec }) {
    yield* bindingProblems(spec)
    yield* actionProblems(spec.validationActions ?? [], 'spec.validationActions')
  },
})

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
