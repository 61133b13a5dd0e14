import type { Backend, VirtualServer } from '../virtual-server.ts'

/** The maps and sets of the table; for sets the value is empty. */
export const CONTAINERS = ['services', 'endpoints', 'nodeports', 'nodeport_endpoints', 'hairpin', 'no_endpoints'] as const
export type Container = (typeof CONTAINERS)[number]

/** Chains that are made when the first Service needs one of their size: they differ only in the modulus. */
export type Balancer = `${'cluster' | 'external' | 'local'}_${number}`

/** What one Service adds to the table, as text in nft's grammar. */
export interface Elements {
  readonly values: Readonly<Record<Container, ReadonlyMap<string, string>>>
  readonly balancers: ReadonlySet<Balancer>
}

/** Pure: the elements of a Service. Two elements of one container never share a key within a cluster, but for hairpin pairs, which are counted. */
export function elementsOf(servers: readonly VirtualServer[]): Elements {
  const values: Record<Container, Map<string, string>> = {
    services: new Map(),
    endpoints: new Map(),
    nodeports: new Map(),
    nodeport_endpoints: new Map(),
    hairpin: new Map(),
    no_endpoints: new Map(),
  }
  const balancers = new Set<Balancer>()
  const balance = (kind: 'cluster' | 'external' | 'local', backends: readonly Backend[]): string => {
    const balancer: Balancer = `${kind}_${backends.length}`
    balancers.add(balancer)
    return `goto ${balancer}`
  }
  for (const server of servers) {
    for (const { address } of [...server.backends, ...server.externalBackends]) values.hairpin.set(`${address} . ${address}`, '')
    for (const address of server.addresses) {
      const key = `${address} . ${server.protocol} . ${server.port}`
      if (server.backends.length === 0) {
        values.no_endpoints.set(key, '')
        continue
      }
      values.services.set(key, balance('cluster', server.backends))
      for (const [index, { address: target, port }] of server.backends.entries())
        values.endpoints.set(`${key} . ${index}`, `${target} . ${port}`)
    }
    if (server.nodePort === undefined || server.externalBackends.length === 0) continue
    const key = `${server.protocol} . ${server.nodePort}`
    values.nodeports.set(key, balance(server.keepsClientAddress ? 'local' : 'external', server.externalBackends))
    for (const [index, { address, port }] of server.externalBackends.entries())
      values.nodeport_endpoints.set(`${key} . ${index}`, `${address} . ${port}`)
  }
  return { values, balancers }
}
