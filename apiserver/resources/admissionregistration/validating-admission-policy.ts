import { defineResource } from '../../registry/define-resource.ts'
import { defaultMatchResources } from '../../rules/admission/match-resources.ts'
import { policyProblems } from '../../rules/admission/policy.ts'
import { paramKindCell } from '../../rules/admission/policy-cells.ts'

export default defineResource('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', {
  categories: ['api-extensions'],
  columns: [
    { name: 'Validations', type: 'integer', value: ({ spec }) => spec.validations?.length ?? 0 },
    { name: 'ParamKind', value: ({ spec }) => paramKindCell(spec.paramKind) },
  ],
  applyDefaults({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatchResources(spec.matchConstraints)
  },
  validate: ({ spec }) => policyProblems(spec),
})
