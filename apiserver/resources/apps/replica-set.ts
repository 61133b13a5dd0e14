import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { selectorCell } from '../../rules/table-cells.ts'
import { replicaColumns } from '../../rules/workload/replica-columns.ts'
import { replicaScale } from '../../rules/workload/replica-scale.ts'
import { replicaSetProblems } from '../../rules/workload/replica-set.ts'

export default defineResource('apps/v1', 'ReplicaSet', {
  shortNames: ['rs'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: replicaColumns(({ spec }) => selectorCell(spec.selector)),
  selectableFields: { 'status.replicas': ({ status }) => `${status.replicas}` },

  applyDefaults({ spec }) {
    spec.replicas ??= 1
    if (spec.template) defaultPodSpec(spec.template.spec)
  },
  validate: ({ spec }) => replicaSetProblems(spec),
  warnings: ({ spec }) => podSpecWarnings(spec.template.spec, 'spec.template.spec'),
  *validateUpdate(next, previous) {
    yield* immutableProblem('spec.selector', next.spec.selector, previous.spec.selector)
  },

  scale: replicaScale(),
})
