import { defineResource, derivedFrom, type ResourceServices } from '../../registry/define-resource.ts'
import { usageColumns } from '../../rules/usage-columns.ts'

export default ({ usage }: ResourceServices) =>
  defineResource('metrics.k8s.io/v1beta1', 'PodMetrics', {
    derived: derivedFrom('v1', 'Pod', (pods) => usage.ofPods(pods)),
    columns: usageColumns(({ containers }) => (containers ?? []).map(({ usage: used }) => used)),
  })
