import type { Backend, VirtualServer } from '../virtual-server.ts'

/** The maps and sets of the table; for sets the value is empty. */
export const CONTAINERS = [
  ...['services', 'endpoints', 'externals', 'external_endpoints', 'nodeports', 'nodeport_endpoints', 'hairpin', 'no_endpoints'],
] as const
export type Container = (typeof CONTAINERS)[number]

/** What one Service adds to the table, as text in nft's grammar. */
export interface Elements {
  readonly values: Readonly<Record<Container, ReadonlyMap<string, string>>>
  /** The most backends that one of its ports has: chains up to this number must exist. */
  readonly largest: number
}

/** Pure: the elements of a Service. Two elements of one container never share a key within a cluster, but for hairpin pairs, which are counted. */
export function elementsOf(servers: readonly VirtualServer[]): Elements {
  const values: Record<Container, Map<string, string>> = {
    services: new Map(),
    endpoints: new Map(),
    externals: new Map(),
    external_endpoints: new Map(),
    nodeports: new Map(),
    nodeport_endpoints: new Map(),
    hairpin: new Map(),
    no_endpoints: new Map(),
  }
  let largest = 0
  const balance = (kind: 'cluster' | 'outside' | 'outside_local' | 'external' | 'local', backends: readonly Backend[]): string => {
    largest = Math.max(largest, backends.length)
    return `goto ${kind}_${backends.length}`
  }
  for (const server of servers) {
    for (const { address } of [...server.backends, ...server.externalBackends]) values.hairpin.set(`${address} . ${address}`, '')
    for (const address of [...server.addresses, ...server.externalAddresses]) {
      const key = `${address} . ${server.protocol} . ${server.port}`
      if (server.backends.length === 0) {
        values.no_endpoints.set(key, '')
        continue
      }
      values.services.set(key, balance('cluster', server.backends))
      for (const [index, { address: target, port }] of server.backends.entries())
        values.endpoints.set(`${key} . ${index}`, `${target} . ${port}`)
    }
    for (const address of server.externalAddresses) {
      const key = `${address} . ${server.protocol} . ${server.port}`
      if (server.externalBackends.length === 0) {
        // Not led by what is for pods and the node: refused, as it arrived.
        values.externals.set(key, 'accept')
        values.no_endpoints.set(key, '')
        continue
      }
      values.externals.set(key, balance(server.keepsClientAddress ? 'outside_local' : 'outside', server.externalBackends))
      for (const [index, { address: target, port }] of server.externalBackends.entries())
        values.external_endpoints.set(`${key} . ${index}`, `${target} . ${port}`)
    }
    if (server.nodePort === undefined || server.externalBackends.length === 0) continue
    const key = `${server.protocol} . ${server.nodePort}`
    values.nodeports.set(key, balance(server.keepsClientAddress ? 'local' : 'external', server.externalBackends))
    for (const [index, { address, port }] of server.externalBackends.entries())
      values.nodeport_endpoints.set(`${key} . ${index}`, `${address} . ${port}`)
  }
  return { values, largest }
}
