import { defineResource } from '../../registry/define-resource.ts'
import { defaultMatchResources } from '../../rules/admission/match-resources.ts'
import { mutatingPolicyProblems } from '../../rules/admission/mutating-policy.ts'
import { paramKindCell } from '../../rules/admission/policy-cells.ts'

/** How they are followed: `apiserver/admission/policies/`. */
export default defineResource('admissionregistration.k8s.io/v1', 'MutatingAdmissionPolicy', {
  categories: ['api-extensions'],
  generation: true,
  requiresResourceVersion: true,
  columns: [
    { name: 'Mutations', type: 'integer', description: 'How many there are', value: ({ spec }) => spec.mutations?.length ?? 0 },
    { name: 'ParamKind', description: 'The kind of its parameters', value: ({ spec }) => paramKindCell(spec.paramKind) },
  ],
  applyDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatchResources(spec.matchConstraints)
  },
  validate: ({ spec }) => mutatingPolicyProblems(spec),
})
