import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { labelCell } from '../../rules/table-cells.ts'
import { replicaColumns } from '../../rules/workload/replica-columns.ts'
import { replicationControllerProblems } from '../../rules/workload/replication-controller.ts'

export default defineResource('v1', 'ReplicationController', {
  shortNames: ['rc'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: replicaColumns(({ spec }) => labelCell(spec.selector)),
  selectableFields: { 'status.replicas': ({ status }) => `${status.replicas}` },

  applyDefaults({ metadata, spec }) {
    spec.replicas ??= 1
    const { template } = spec
    if (!template) return
    const labels = template.metadata.labels ?? {}
    if (Object.keys(labels).length > 0) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
      if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels }
    }
    defaultPodSpec(template.spec)
  },
  validate: ({ spec }) => replicationControllerProblems(spec),
  warnings: ({ spec }) => (spec.template ? podSpecWarnings(spec.template.spec, 'spec.template.spec') : []),
  defaultPropagation: 'Orphan',

  scale: {
    specReplicas: ({ spec }) => spec.replicas ?? 1,
    setSpecReplicas: ({ spec }, replicas) => {
      spec.replicas = replicas
    },
    statusReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) =>
      Object.entries(spec.selector ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .sort()
        .join(','),
  },
})
