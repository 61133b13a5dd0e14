import { defineResource } from '../../registry/define-resource.ts'
import { defaultNetworkPolicy, networkPolicyProblems, networkPolicyWarnings } from '../../rules/network/network-policy.ts'
import { selectorCell } from '../../rules/table-cells.ts'

export default defineResource('networking.k8s.io/v1', 'NetworkPolicy', {
  shortNames: ['netpol'],
  generation: true,
  columns: [
    { name: 'Pod-Selector', description: 'Pods that it restricts', value: ({ spec }) => selectorCell(spec.podSelector) },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  applyDefaults: ({ spec }) => defaultNetworkPolicy(spec),
  validate: networkPolicyProblems,
  warnings: networkPolicyWarnings,
})
