import { defineResource } from '../../registry/define-resource.ts'
import { mutatingBindingProblems } from '../../rules/admission/mutating-policy.ts'
import { defaultBinding } from '../../rules/admission/policy-binding.ts'
import { paramRefCell } from '../../rules/admission/policy-cells.ts'

export default defineResource('admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicyBinding', {
  categories: ['api-extensions'],
  generation: true,
  requiresResourceVersion: true,
  columns: [
    { name: 'PolicyName', description: 'What it puts into force', value: ({ spec }) => spec.policyName },
    { name: 'ParamRef', description: 'The parameters that it gives', value: ({ spec }) => paramRefCell(spec.paramRef) },
  ],
  applyDefaults: ({ spec }) => defaultBinding(spec),
  validate: ({ spec }) => mutatingBindingProblems(spec),
})
