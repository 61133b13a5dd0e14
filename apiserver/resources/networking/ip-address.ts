import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { addressNameProblem, ipAddressProblems, parentCell } from '../../rules/network/ip-address.ts'

export default defineResource('networking.k8s.io/v1', 'IPAddress', {
  shortNames: ['ip'],
  columns: [
    { name: 'ParentRef', description: 'What holds the address', value: ({ spec }) => parentCell(spec.parentRef) },
    { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
  ],
  validateName: addressNameProblem,
  validate: ({ spec }) => ipAddressProblems(spec),
  *validateUpdate(next, previous) {
    yield* immutableProblem('spec.parentRef', next.spec.parentRef, previous.spec.parentRef)
  },
})
