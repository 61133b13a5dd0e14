import { defineResource } from '../../registry/define-resource.ts'
import { autoscalerProblems, autoscalerStatusProblems } from '../../rules/autoscaling/autoscaler.ts'
import { defaultAutoscaler } from '../../rules/autoscaling/autoscaler-defaults.ts'
import { firstVersion } from '../../rules/autoscaling/first-version.ts'
import { metricCell } from '../../rules/autoscaling/metric-cell.ts'

export default defineResource('autoscaling/v2', 'HorizontalPodAutoscaler', {
  alsoServed: [firstVersion],
  shortNames: ['hpa'],
  categories: ['all'],
  // Upstream counts no generations of it.
  generation: false,
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    {
      name: 'Reference',
      description: 'What is scaled',
      value: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}`,
    },
    {
      name: 'Targets',
      description: 'What is measured of what is wanted',
      value: ({ spec, status }) => metricCell(spec.metrics ?? [], status.currentMetrics ?? []),
    },
    { name: 'MinPods', description: 'The fewest pods', value: ({ spec }) => String(spec.minReplicas ?? '<unset>') },
    { name: 'MaxPods', type: 'integer', description: 'The most pods', value: ({ spec }) => spec.maxReplicas },
    { name: 'Replicas', type: 'integer', description: 'Pods there are', value: ({ status }) => status.currentReplicas ?? 0 },
  ],

  applyDefaults: (autoscaler) => defaultAutoscaler(autoscaler),
  // Always written, and here a list that is always written is never null.
  prepareForCreate({ status }) {
    status.currentMetrics ??= []
  },
  validate: ({ spec }) => autoscalerProblems(spec),
  validateStatusUpdate: ({ status }) => autoscalerStatusProblems(status),
})
