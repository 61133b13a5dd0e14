import { fieldProblem } from '../../../shared/errors/field-error.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { fixedProblem, parametersProblems, provisionerProblems } from '../../rules/volume/storage-class.ts'

export default defineResource('storage.k8s.io/v1', 'VolumeAttributesClass', {
  shortNames: ['vac'],
  columns: [
    { name: 'DriverName', description: 'Driver that knows the attributes', value: ({ driverName }) => driverName },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  *validate({ driverName, parameters }) {
    yield* provisionerProblems(driverName, 'driverName')
    yield* parametersProblems(parameters, 'parameters')
    if (Object.keys(parameters ?? {}).length === 0) yield fieldProblem.required('parameters', 'must contain at least one key/value pair')
  },
  *validateUpdate(next, previous) {
    for (const field of ['driverName', 'parameters'] as const) yield* fixedProblem(field, next[field], previous[field])
  },
})
