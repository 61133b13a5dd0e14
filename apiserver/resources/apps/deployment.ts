import type { Deployment } from '../../../shared/openapi/generated/apps-v1.ts'
import { defaultPodSpec } from '../../../shared/pods/pod-defaults.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { sameValue } from '../../registry/same-value.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { selectorCell } from '../../rules/table-cells.ts'
import { deploymentProblems } from '../../rules/workload/deployment.ts'
import { replicaScale } from '../../rules/workload/replica-scale.ts'
import { templateColumns } from '../../rules/workload/template-columns.ts'

export default defineResource('apps/v1', 'Deployment', {
  shortNames: ['deploy'],
  categories: ['all'],
  // Of the kinds here only this one's labels are kept.
  statusMetadata: ['annotations', 'finalizers', 'ownerReferences'],
  columns: [
    {
      name: 'Ready',
      description: 'Ready pods of wanted pods',
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}`,
    },
    { name: 'Up-to-date', description: 'Pods made from the newest template', value: ({ status }) => status.updatedReplicas ?? 0 },
    { name: 'Available', description: 'Pods ready for long enough', value: ({ status }) => status.availableReplicas ?? 0 },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    ...templateColumns<Deployment>(
      ({ spec }) => spec.template,
      ({ spec }) => selectorCell(spec.selector),
    ),
  ],

  applyDefaults({ spec }) {
    spec.replicas ??= 1
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    spec.strategy.type ||= 'RollingUpdate'
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {}
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
      spec.strategy.rollingUpdate.maxSurge ??= '25%'
    }
    defaultPodSpec(spec.template.spec)
  },
  /** Annotations count, too: some of them (the revision's change cause) travel to ReplicaSets. */
  prepareForUpdate(next, previous) {
    if (sameValue(next.metadata.annotations, previous.metadata.annotations)) return
    next.metadata.generation = (previous.metadata.generation ?? 0) + 1
  },
  validate: ({ spec }) => deploymentProblems(spec),
  warnings: ({ spec }) => podSpecWarnings(spec.template.spec, 'spec.template.spec'),
  *validateUpdate(next, previous) {
    yield* immutableProblem('spec.selector', next.spec.selector, previous.spec.selector)
  },

  scale: replicaScale(),
})
