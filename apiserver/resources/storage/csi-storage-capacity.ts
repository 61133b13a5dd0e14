import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { parseQuantity } from '../../../shared/quantity/quantity.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { labelSelectorProblems } from '../../rules/metadata/label-selector.ts'
import { classNameProblems } from '../../rules/volume/persistent-volume.ts'

export default defineResource('storage.k8s.io/v1', 'CSIStorageCapacity', {
  requiresResourceVersion: true,
  columns: [
    { name: 'StorageClassName', description: 'Class that the room is for', value: ({ storageClassName }) => storageClassName },
    { name: 'Capacity', description: 'How much room there is', value: ({ capacity }) => capacity ?? '<unset>' },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  *validate({ nodeTopology, storageClassName, capacity }) {
    yield* labelSelectorProblems(nodeTopology, 'nodeTopology')
    yield* classNameProblems(storageClassName, 'storageClassName')
    if (capacity !== undefined && parseQuantity(capacity).nano < 0n)
      yield fieldProblem.invalid('capacity', capacity, 'must be greater than or equal to 0')
  },
  *validateUpdate(next, previous) {
    yield* immutableProblem('nodeTopology', next.nodeTopology, previous.nodeTopology)
    yield* immutableProblem('storageClassName', next.storageClassName, previous.storageClassName)
  },
})
