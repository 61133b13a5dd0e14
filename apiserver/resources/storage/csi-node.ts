import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type { CSINode } from '../../../shared/openapi/generated/storage-v1.ts'
import { labelKeyProblems } from '../../../shared/selectors/label-syntax.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { csiDriverProblems } from '../../rules/volume/persistent-source.ts'

const NODE_ID_CHARACTERS = 256

export default defineResource('storage.k8s.io/v1', 'CSINode', {
  generation: false,
  requiresResourceVersion: true,
  columns: [
    { name: 'Drivers', type: 'integer', description: 'Drivers on the node', value: ({ spec }) => spec.drivers.length },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  validate: driversProblems,
  *validateUpdate({ spec: next }, { spec: previous }) {
    for (const old of previous.drivers) {
      const now = next.drivers.find(({ name }) => name === old.name)
      if (now) yield* immutableProblem('spec.drivers', { ...now, allocatable: undefined }, { ...old, allocatable: undefined })
    }
  },
})

function* driversProblems({ spec: { drivers } }: CSINode): Generator<FieldProblem> {
  for (const [index, { name, nodeID, allocatable, topologyKeys }] of drivers.entries()) {
    const at = `spec.drivers[${index}]`
    yield* csiDriverProblems(name, `${at}.name`)
    if (!nodeID) yield fieldProblem.required(`${at}.nodeID`)
    if (nodeID.length > NODE_ID_CHARACTERS)
      yield fieldProblem.invalid(`${at}.nodeID`, nodeID, `must be ${NODE_ID_CHARACTERS} characters or less`)
    if ((allocatable?.count ?? 0) < 0)
      yield fieldProblem.invalid(`${at}.allocatable.count`, allocatable?.count, 'must be greater than or equal to 0')
    if (drivers.findIndex((other) => other.name === name) < index) yield fieldProblem.duplicate(`${at}.name`, name)
    for (const [place, key] of (topologyKeys ?? []).entries()) {
      if ((topologyKeys ?? []).indexOf(key) < place) yield fieldProblem.duplicate(at, key)
      for (const problem of labelKeyProblems(key)) yield fieldProblem.invalid(at, key, problem)
    }
  }
}
