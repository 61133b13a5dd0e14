import type { StatefulSet } from '../../../shared/openapi/generated/apps-v1.ts'
import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { labelNameRule } from '../../rules/metadata/names.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { selectorCell } from '../../rules/table-cells.ts'
import { replicaScale } from '../../rules/workload/replica-scale.ts'
import { statefulSetProblems, statefulSetStatusProblems, statefulSetUpdateProblems } from '../../rules/workload/stateful-set.ts'
import { templateColumns } from '../../rules/workload/template-columns.ts'

export default defineResource('apps/v1', 'StatefulSet', {
  shortNames: ['sts'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  // It is the host name of its pods, together with their number.
  validateName: labelNameRule,
  columns: [
    {
      name: 'Ready',
      description: 'Ready pods of wanted pods',
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}`,
    },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    ...templateColumns<StatefulSet>(
      ({ spec }) => spec.template,
      ({ spec }) => selectorCell(spec.selector),
    ),
  ],

  applyDefaults({ spec }) {
    spec.podManagementPolicy ||= 'OrderedReady'
    if (!spec.updateStrategy.type) {
      spec.updateStrategy.type = 'RollingUpdate'
      spec.updateStrategy.rollingUpdate ??= {}
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate) {
      spec.updateStrategy.rollingUpdate.partition ??= 0
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {}
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    defaultPodSpec(spec.template.spec)
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = 'v1'
      claim.kind = 'PersistentVolumeClaim'
      claim.spec.volumeMode ??= 'Filesystem'
      claim.status.phase ||= 'Pending'
    }
  },
  validate: ({ spec }) => statefulSetProblems(spec),
  *warnings({ spec }) {
    yield* podSpecWarnings(spec.template.spec, 'spec.template.spec')
    if ((spec.revisionHistoryLimit ?? 0) < 0) {
      yield 'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'
    }
  },
  validateUpdate: (next, previous) => statefulSetUpdateProblems(next.spec, previous.spec),
  validateStatusUpdate: (next, previous) => statefulSetStatusProblems(next.status, previous.status),

  scale: replicaScale(),
})
