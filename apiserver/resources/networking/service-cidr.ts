import { defineResource } from '../../registry/define-resource.ts'
import { serviceCIDRProblems, serviceCIDRUpdateProblems } from '../../rules/network/service-cidr.ts'

export default defineResource('networking.k8s.io/v1', 'ServiceCIDR', {
  generation: false,
  columns: [
    { name: 'CIDRs', description: 'The ranges that cluster IPs are taken from', value: ({ spec }) => (spec.cidrs ?? []).join(',') },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  validate: ({ spec }) => serviceCIDRProblems(spec),
  validateUpdate: (next, previous) => serviceCIDRUpdateProblems(next.spec, previous.spec),
})
