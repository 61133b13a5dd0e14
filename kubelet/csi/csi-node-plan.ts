import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { CSINode, CSINodeDriver } from '../../shared/openapi/generated/storage-v1.ts'
import type { NodeInfo } from './csi-messages.ts'

/** On a Node: driver → the driver's own name for the machine, as JSON. Old attachers read it there. */
export const NODE_IDS = 'csi.volume.kubernetes.io/nodeid'

/** A driver's entry in the CSINode. Pure. */
export function driverEntry(name: string, { nodeId, maxVolumesPerNode, accessibleTopology }: NodeInfo): CSINodeDriver {
  const most = Number(maxVolumesPerNode)
  return {
    name,
    nodeID: nodeId,
    topologyKeys: accessibleTopology ? Object.keys(accessibleTopology.segments).sort() : null,
    ...(most > 0 ? { allocatable: { count: Math.min(most, 2 ** 31 - 1) } } : {}),
  }
}

/** The entries with this one among them, or undefined when it is there already. Pure. */
export function withDriver(drivers: CSINode['spec']['drivers'], entry: CSINodeDriver): CSINodeDriver[] | undefined {
  const there = drivers.find(({ name }) => name === entry.name)
  if (there && JSON.stringify(comparable(there)) === JSON.stringify(comparable(entry))) return undefined
  return [...drivers.filter(({ name }) => name !== entry.name), entry]
}

/** Whether all of an entry but its limit stands: only that may be changed in place. Pure. */
export function isSameDriver(there: CSINodeDriver, entry: CSINodeDriver): boolean {
  const rest = (one: CSINodeDriver) => JSON.stringify({ ...comparable(one), count: undefined })
  return rest(there) === rest(entry)
}

function comparable({ name, nodeID, topologyKeys, allocatable }: CSINodeDriver) {
  return { name, nodeID, topologyKeys: [...(topologyKeys ?? [])].sort(), count: allocatable?.count }
}

/** Labels and annotation that a driver wants on the Node. */
export interface NodeMarks {
  labels: Record<string, string>
  annotations: Record<string, string>
}

/**
 * What is to be written on the Node for the driver, or undefined when all is there. Pure.
 * @throws when a driver says another place than a label that is there: the node would move under its volumes (upstream's rule and words)
 */
export function nodeMarks({ metadata }: Node, name: string, { nodeId, accessibleTopology }: NodeInfo): NodeMarks | undefined {
  const labels: Record<string, string> = {}
  for (const [key, value] of Object.entries(accessibleTopology?.segments ?? {})) {
    const there = metadata.labels?.[key]
    if (there === value) continue
    if (there !== undefined)
      throw new Error(`detected topology value collision: driver reported "${key}":"${value}" but existing label is "${key}":"${there}"`)
    labels[key] = value
  }
  const ids = nodeIds(metadata.annotations?.[NODE_IDS])
  if (ids.get(name) === nodeId && Object.keys(labels).length === 0) return undefined
  ids.set(name, nodeId)
  return { labels, annotations: { [NODE_IDS]: JSON.stringify(Object.fromEntries(ids)) } }
}

/** The annotation without a driver; null: it goes; undefined: the driver is not in it. Pure. */
export function withoutNodeId({ metadata }: Node, name: string): string | null | undefined {
  const ids = nodeIds(metadata.annotations?.[NODE_IDS])
  if (!ids.delete(name)) return undefined
  return ids.size === 0 ? null : JSON.stringify(Object.fromEntries(ids))
}

function nodeIds(text: string | undefined): Map<string, string> {
  if (text === undefined) return new Map()
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return new Map()
    return new Map(Object.entries(parsed).flatMap(([name, id]): [string, string][] => (typeof id === 'string' ? [[name, id]] : [])))
  } catch {
    return new Map() // somebody wrote something else: it is ours to write
  }
}
