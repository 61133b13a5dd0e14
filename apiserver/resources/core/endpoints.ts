import type { EndpointSubset } from '../../../shared/openapi/generated/core-v1.ts'
import { defineResource } from '../../registry/define-resource.ts'
import { endpointsProblems } from '../../rules/service/endpoints.ts'
import { firstThree, NONE } from '../../rules/table-cells.ts'

export default defineResource('v1', 'Endpoints', {
  shortNames: ['ep'],
  createsOnUpdate: true,
  columns: [{ name: 'Endpoints', description: 'Addresses and ports', value: (endpoints) => cell(endpoints.subsets ?? []) }],
  warnings: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],

  applyDefaults(endpoints) {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate: (endpoints) => endpointsProblems(endpoints.subsets ?? []),
})

function cell(subsets: readonly EndpointSubset[]): string {
  const shown = subsets.flatMap((subset) => {
    const addresses = subset.addresses ?? []
    if (!subset.ports?.length) return addresses.map((address) => address.ip)
    return subset.ports.flatMap((port) => addresses.map((address) => hostPort(address.ip, port.port)))
  })
  return shown.length === 0 ? NONE : firstThree(shown)
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
