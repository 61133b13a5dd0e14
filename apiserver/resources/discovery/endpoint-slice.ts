import { defineResource } from '../../registry/define-resource.ts'
import { immutableProblem } from '../../rules/metadata/immutable.ts'
import { endpointSliceProblems } from '../../rules/service/endpoint-slice.ts'
import { firstThree } from '../../rules/table-cells.ts'

export default defineResource('discovery.k8s.io/v1', 'EndpointSlice', {
  generation: true,
  columns: [
    { name: 'AddressType', description: 'Kind of the addresses', value: (slice) => slice.addressType },
    {
      name: 'Ports',
      description: 'Ports of every endpoint',
      value: (slice) => (slice.ports?.length ? firstThree(slice.ports.map((port) => (port.port ? `${port.port}` : '*'))) : '<unset>'),
    },
    {
      name: 'Endpoints',
      description: 'Addresses',
      value: (slice) => (slice.endpoints?.length ? firstThree(slice.endpoints.flatMap((endpoint) => endpoint.addresses)) : '<unset>'),
    },
  ],

  applyDefaults(slice) {
    slice.endpoints ??= []
    slice.ports ??= []
    for (const port of slice.ports) {
      port.name ??= ''
      port.protocol ||= 'TCP'
    }
  },
  validate: (slice) => endpointSliceProblems(slice),
  *validateUpdate(next, previous) {
    yield* immutableProblem('addressType', next.addressType, previous.addressType)
  },
})
