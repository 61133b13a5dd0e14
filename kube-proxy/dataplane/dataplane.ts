import type { VirtualServer } from '../virtual-server.ts'

/** Virtual servers by the Service they belong to (`namespace/name`). */
export type ServiceChanges = ReadonlyMap<string, readonly VirtualServer[]>

/** What of the node itself decides where packets go. */
export interface NodePlace {
  /** Where this node's own pods are: what they ask for comes back through this node in any case. */
  readonly podRanges: readonly string[]
  /** Node ports are served on those of the node's addresses that are in these ranges. Loopback is never. */
  readonly nodePortRanges: readonly string[]
}

/**
 * The contract between the table of Services and whatever forwards packets. Calls never overlap. A call that fails
 * leaves what was applied before it in force; the caller answers with `replace`. Suite: test/contract/dataplane.ts.
 */
export interface Dataplane {
  /** Makes exactly these Services reachable and no others, in one step. Who is led to which backend by session affinity is kept. */
  replace(services: ServiceChanges, place: NodePlace): Promise<void>
  /** Changes the Services named; an empty list removes one. Costs what changes, not what exists. */
  update(changes: ServiceChanges): Promise<void>
  /** Says where the node is from now on. */
  move(place: NodePlace): Promise<void>
  /** Takes everything away that it put on the machine. */
  remove(): Promise<void>
}
