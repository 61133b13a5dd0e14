import { defineResource, derivedFrom, type ResourceServices } from '../../registry/define-resource.ts'
import { usageColumns } from '../../rules/usage-columns.ts'

export default ({ usage }: ResourceServices) =>
  defineResource('metrics.k8s.io/v1beta1', 'NodeMetrics', {
    derived: derivedFrom('v1', 'Node', (nodes) => usage.ofNodes(nodes)),
    columns: usageColumns(({ usage: used }) => [used]),
  })
