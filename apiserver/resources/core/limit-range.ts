import { defineResource } from '../../registry/define-resource.ts'
import { defaultLimitRangeItem, limitRangeProblems } from '../../rules/quota/limit-range.ts'

export default defineResource('v1', 'LimitRange', {
  shortNames: ['limits'],
  columns: [
    { name: 'Name', description: 'Name of the limits', value: ({ metadata }) => metadata.name },
    { name: 'Created At', description: 'When they were created', value: ({ metadata }) => metadata.creationTimestamp ?? undefined },
  ],
  applyDefaults({ spec }) {
    for (const item of spec.limits) defaultLimitRangeItem(item)
  },
  validate: ({ spec }) => limitRangeProblems(spec),
})
