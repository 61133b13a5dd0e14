import type { VirtualServer } from '../virtual-server.ts'

/** Virtual servers by the Service they belong to (`namespace/name`). */
export type ServiceChanges = ReadonlyMap<string, readonly VirtualServer[]>

/**
 * The contract between the table of Services and whatever forwards packets. Calls never overlap. A call that fails
 * leaves what was applied before it in force; the caller answers with `replace`. Suite: test/contract/dataplane.ts.
 */
export interface Dataplane {
  /** Makes exactly these Services reachable and no others, in one step. */
  replace(services: ServiceChanges): Promise<void>
  /** Changes the Services named; an empty list removes one. Costs what changes, not what exists. */
  update(changes: ServiceChanges): Promise<void>
  /** Takes everything away that it put on the machine. */
  remove(): Promise<void>
}
