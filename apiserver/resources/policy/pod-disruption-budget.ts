import { defineResource } from '../../registry/define-resource.ts'
import { budgetProblems, budgetStatusProblems } from '../../rules/disruption/budget.ts'

const UNSAID = 'N/A'

export default defineResource('policy/v1', 'PodDisruptionBudget', {
  shortNames: ['pdb'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    { name: 'Min Available', description: 'Pods that must stay', value: ({ spec }) => `${spec.minAvailable ?? UNSAID}` },
    { name: 'Max Unavailable', description: 'Pods that may be away', value: ({ spec }) => `${spec.maxUnavailable ?? UNSAID}` },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'Pods that may be evicted now',
      value: ({ status }) => status.disruptionsAllowed,
    },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  validate: budgetProblems,
  validateStatusUpdate: budgetStatusProblems,
})
