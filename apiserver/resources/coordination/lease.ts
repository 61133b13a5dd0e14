import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { defineResource } from '../../registry/define-resource.ts'

export default defineResource('coordination.k8s.io/v1', 'Lease', {
  durability: 'relaxed',
  createsOnUpdate: true,
  requiresResourceVersion: true,
  generation: false,
  columns: [{ name: 'Holder', description: 'Who holds the lease', value: (lease) => lease.spec.holderIdentity }],

  *validate({ spec }) {
    if (spec.leaseDurationSeconds !== undefined && spec.leaseDurationSeconds <= 0) {
      yield fieldProblem.invalid('spec.leaseDurationSeconds', spec.leaseDurationSeconds, 'must be greater than 0')
    }
    if (spec.leaseTransitions !== undefined && spec.leaseTransitions < 0) {
      yield fieldProblem.invalid('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0')
    }
    if (spec.preferredHolder !== undefined && !spec.strategy) {
      yield fieldProblem.required('spec.strategy', 'strategy required when preferredHolder is specified')
    }
  },
})
