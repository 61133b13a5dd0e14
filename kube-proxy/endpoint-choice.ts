import type { Endpoint } from '../shared/openapi/generated/discovery-v1.ts'
import type { Backend } from './virtual-server.ts'

/** An endpoint and the port of it that is asked for. */
export interface PortEndpoint {
  readonly endpoint: Endpoint
  readonly port: number
}

/** Where the proxy is. */
export interface NodeView {
  readonly name: string
  /** Undefined where nobody said. */
  readonly zone: string | undefined
}

/**
 * Pure: where clients go that no policy binds to this node. Ready endpoints, of those the ones that hints keep for this node or zone; when none is
 * ready, those that are shutting down and still serve (KEP-1669), wherever they are.
 */
export function clusterBackends(endpoints: readonly PortEndpoint[], node: NodeView): Backend[] {
  const ready = endpoints.filter(isReady)
  return asBackends(ready.length > 0 ? hinted(ready, node) : endpoints.filter(isServingItsLast))
}

/** Pure: where clients go that a policy `Local` binds to this node; the same order of preference, and hints do not count. */
export function localBackends(endpoints: readonly PortEndpoint[], node: NodeView): Backend[] {
  const here = endpoints.filter(({ endpoint }) => endpoint.nodeName === node.name)
  const ready = here.filter(isReady)
  return asBackends(ready.length > 0 ? ready : here.filter(isServingItsLast))
}

/**
 * How many addresses on this node are ready: what a load balancer outside is told. Those that shut down serve whom it still sends, but ask for
 * nobody new.
 */
export function readyHere(endpoints: readonly Endpoint[], nodeName: string): number {
  const here = endpoints.filter((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions.ready !== false)
  return new Set(here.map(({ addresses }) => addresses[0])).size
}

const isReady = ({ endpoint }: PortEndpoint) => endpoint.conditions.ready !== false

const isServingItsLast = ({ endpoint }: PortEndpoint) => endpoint.conditions.serving === true && endpoint.conditions.terminating === true

/**
 * Hints are followed only when every endpoint has one and there is one for us (KEP-2433, KEP-3015): a set that is half described would leave
 * clients without an endpoint, or all of them with one.
 */
function hinted(ready: readonly PortEndpoint[], { name, zone }: NodeView): readonly PortEndpoint[] {
  const pick = (mine: string | undefined, hintsOf: (endpoint: Endpoint) => readonly { name: string }[]) => {
    if (mine === undefined || !ready.every(({ endpoint }) => hintsOf(endpoint).length > 0)) return []
    return ready.filter(({ endpoint }) => hintsOf(endpoint).some((hint) => hint.name === mine))
  }
  const forNode = pick(name, ({ hints }) => hints?.forNodes ?? [])
  if (forNode.length > 0) return forNode
  const forZone = pick(zone, ({ hints }) => hints?.forZones ?? [])
  return forZone.length > 0 ? forZone : ready
}

/** Sorted, each once: equal sets look equal. */
function asBackends(endpoints: readonly PortEndpoint[]): Backend[] {
  const byText = new Map(
    endpoints.flatMap(({ endpoint, port }) => {
      const address = endpoint.addresses[0]
      return address === undefined ? [] : [[`${address}:${port}`, { address, port }] as const]
    }),
  )
  return [...byText].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, backend]) => backend)
}
