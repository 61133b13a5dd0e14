import { defineResource } from '../../registry/define-resource.ts'
import { usageCell } from '../../rules/quota/quota-columns.ts'
import { resourceQuotaProblems, resourceQuotaStatusProblems, resourceQuotaUpdateProblems } from '../../rules/quota/resource-quota.ts'

export default defineResource('v1', 'ResourceQuota', {
  shortNames: ['quota'],
  generation: false,
  answersDeletedObject: true,
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    { name: 'Request', description: 'Used and allowed of everything but limits', value: (quota) => usageCell(quota, 'request') },
    { name: 'Limit', description: 'Used and allowed of limits', value: (quota) => usageCell(quota, 'limit') },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  validate: ({ spec }) => resourceQuotaProblems(spec),
  validateUpdate: resourceQuotaUpdateProblems,
  validateStatusUpdate: resourceQuotaStatusProblems,
})
