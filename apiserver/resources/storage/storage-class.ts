import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { isDefaultClass } from '../../../shared/volumes/storage-class.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { fixedProblem, parametersProblems, provisionerProblems, topologiesProblems } from '../../rules/volume/storage-class.ts'

const bindingModes = ['Immediate', 'WaitForFirstConsumer']
const reclaimPolicies = ['Delete', 'Retain']

export default defineResource('storage.k8s.io/v1', 'StorageClass', {
  shortNames: ['sc'],
  columns: [
    {
      name: 'Name',
      description: 'Unique within the cluster',
      value: (it) => `${it.metadata.name ?? ''}${isDefaultClass(it) ? ' (default)' : ''}`,
    },
    { name: 'Provisioner', description: 'Who makes its volumes', value: ({ provisioner }) => provisioner },
    { name: 'ReclaimPolicy', description: 'What becomes of them when their claims are gone', value: (it) => it.reclaimPolicy ?? 'Delete' },
    { name: 'VolumeBindingMode', description: 'When they are made and bound', value: (it) => it.volumeBindingMode ?? 'Immediate' },
    { name: 'AllowVolumeExpansion', description: 'Whether they may grow', value: (it) => `${it.allowVolumeExpansion ?? false}` },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],

  applyDefaults(it) {
    it.reclaimPolicy ??= 'Delete'
    it.volumeBindingMode ??= 'Immediate'
  },
  *validate(it) {
    yield* provisionerProblems(it.provisioner, 'provisioner')
    yield* parametersProblems(it.parameters, 'parameters')
    if (it.reclaimPolicy && !reclaimPolicies.includes(it.reclaimPolicy))
      yield fieldProblem.notSupported('reclaimPolicy', it.reclaimPolicy, reclaimPolicies)
    if (!bindingModes.includes(it.volumeBindingMode ?? ''))
      yield fieldProblem.notSupported('volumeBindingMode', it.volumeBindingMode, bindingModes)
    yield* topologiesProblems(it.allowedTopologies, 'allowedTopologies')
  },
  *validateUpdate(next, previous) {
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) yield* fixedProblem(field, next[field], previous[field])
    yield* immutableProblem('volumeBindingMode', next.volumeBindingMode, previous.volumeBindingMode)
  },
})
