import { labelSelectorFrom } from '../../../shared/selectors/label-selector.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { defaultPodSpec } from '../../rules/pod/pod-defaults.ts'
import { podSpecWarnings } from '../../rules/support/field-warnings.ts'
import { containerImages, containerNames, selectorCell } from '../../rules/table-cells.ts'
import { replicaSetProblems } from '../../rules/workload/replica-set.ts'

export default defineResource('apps/v1', 'ReplicaSet', {
  shortNames: ['rs'],
  categories: ['all'],
  statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  columns: [
    { name: 'Desired', type: 'integer', description: 'Wanted pods', value: ({ spec }) => spec.replicas },
    { name: 'Current', type: 'integer', description: 'Pods there are', value: ({ status }) => status.replicas },
    { name: 'Ready', type: 'integer', description: 'Ready pods', value: ({ status }) => status.readyReplicas },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
    {
      name: 'Containers',
      priority: 1,
      description: 'Names of the containers',
      value: ({ spec }) => containerNames(spec.template?.spec.containers ?? []),
    },
    {
      name: 'Images',
      priority: 1,
      description: 'Images of the containers',
      value: ({ spec }) => containerImages(spec.template?.spec.containers ?? []),
    },
    { name: 'Selector', priority: 1, description: 'Which pods belong to it', value: ({ spec }) => selectorCell(spec.selector) },
  ],
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

  scale: {
    specReplicas: ({ spec }) => spec.replicas ?? 1,
    setSpecReplicas: ({ spec }, replicas) => {
      spec.replicas = replicas
    },
    statusReplicas: ({ status }) => status.replicas,
    selector: ({ spec }) => labelSelectorFrom(spec.selector).toString(),
  },
})
