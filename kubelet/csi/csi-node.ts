import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { CSINode, CSINodeDriver } from '../../shared/openapi/generated/storage-v1.ts'
import { Turns } from '../volumes/turns.ts'
import type { NodeInfo } from './csi-messages.ts'
import { driverEntry, isSameDriver, NODE_IDS, nodeMarks, withDriver, withoutNodeId } from './csi-node-plan.ts'

/** What the cluster knows of this node's drivers: its CSINode, and marks on its Node. Every call is idempotent. */
export interface CsiNodeKeeper {
  /** The CSINode exists. */
  ensure(signal: AbortSignal): Promise<void>
  install(driver: string, info: NodeInfo, signal: AbortSignal): Promise<void>
  /** Its limit alone; nothing else may have changed. */
  limit(driver: string, info: NodeInfo, signal: AbortSignal): Promise<void>
  uninstall(driver: string, signal: AbortSignal): Promise<void>
}

/** Somebody else writes the same object at most now and then. */
const MOST_CONFLICTS = 5

export function csiNodeKeeper(client: Client, nodeName: string): CsiNodeKeeper {
  const turns = new Turns()
  const inTurn = <T>(act: () => Promise<T>) => turns.take(nodeName, act)
  const name = nodeName

  return {
    ensure: (signal) => inTurn(async () => void (await present(signal))),

    install: (driver, info, signal) =>
      inTurn(async () => {
        const marks = nodeMarks(await client.get('v1', 'Node', { name }, { signal }), driver, info)
        if (marks) await client.patch('v1', 'Node', { name }, { type: 'merge', body: { metadata: marks } }, { signal })
        const entry = driverEntry(driver, info)
        await change((drivers) => {
          const there = drivers.find((one) => one.name === driver)
          // Another identity is another entry, and that needs the old one gone first.
          if (there && !isSameDriver(there, entry)) return drivers.filter((one) => one !== there)
          return withDriver(drivers, entry)
        }, signal)
        await change((drivers) => withDriver(drivers, entry), signal)
      }),

    limit: (driver, info, signal) =>
      inTurn(async () => {
        const entry = driverEntry(driver, info)
        await change((drivers) => {
          const there = drivers.find((one) => one.name === driver)
          return there && isSameDriver(there, entry) ? withDriver(drivers, entry) : undefined
        }, signal)
      }),

    uninstall: (driver, signal) =>
      inTurn(async () => {
        await change(
          (drivers) => (drivers.some((one) => one.name === driver) ? drivers.filter((one) => one.name !== driver) : undefined),
          signal,
        )
        const rest = withoutNodeId(await client.get('v1', 'Node', { name }, { signal }), driver)
        if (rest === undefined) return
        await client.patch('v1', 'Node', { name }, { type: 'merge', body: { metadata: { annotations: { [NODE_IDS]: rest } } } }, { signal })
      }),
  }

  async function change(edit: (drivers: CSINodeDriver[]) => CSINodeDriver[] | undefined, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      const current = await present(signal)
      const drivers = edit(current.spec.drivers)
      if (!drivers) return
      try {
        await client.update('storage.k8s.io/v1', 'CSINode', { ...current, spec: { ...current.spec, drivers } }, { signal })
        return
      } catch (error) {
        if (!hasReason(error, 'Conflict') || tries === MOST_CONFLICTS) throw error
      }
    }
  }

  /** Owned by the Node: it goes with it. */
  async function present(signal: AbortSignal): Promise<CSINode> {
    try {
      return await client.get('storage.k8s.io/v1', 'CSINode', { name }, { signal })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
    const { metadata } = await client.get('v1', 'Node', { name }, { signal })
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid: metadata.uid ?? '' }]
    return client.create('storage.k8s.io/v1', 'CSINode', { metadata: { name, ownerReferences }, spec: { drivers: [] } }, { signal })
  }
}
