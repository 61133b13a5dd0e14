import { hasReason } from '../../shared/errors/status-error.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { defineCloudController, partOf } from '../cloud-controller.ts'
import { SHUTDOWN_TAINT } from '../plans/node-initialisation.ts'

/**
 * Asks the cloud about nodes that are not ready: a node whose machine is gone is deleted (its Pods are then replaced at once), one whose machine
 * is switched off is tainted. A node that is ready is not asked about, and loses the taint.
 */
export default defineCloudController({
  name: 'cloud-node-lifecycle',
  serviceAccount: 'node-controller',
  needs: 'instances',
  reconciles: ['v1', 'Node'],
  create({ informers, client, clock, events, log, signal }, { provider, config }) {
    const instances = partOf(provider, 'instances')
    const nodes = informers.of('v1', 'Node')
    const later = { requeueAfterMilliseconds: config.nodeMonitorPeriod }

    return {
      async reconcile(key) {
        const node = nodes.cache.get(key)
        if (!node || node.metadata.deletionTimestamp) return
        const ready = node.status.conditions?.find(({ type }) => type === 'Ready')
        // One that has said nothing yet is starting.
        if (!ready) return
        if (isTrue(node.status.conditions, 'Ready')) return setTaint(node, false)
        if (!node.spec.providerID) return
        if (!(await instances.exists(node, signal))) return remove(node)
        const isOff = await instances.isShutDown(node, signal)
        await setTaint(node, isOff)
        return later
      },
    }

    async function remove(node: Node): Promise<void> {
      const { name = '', uid } = node.metadata
      log.info('the machine of a node is gone; the node is deleted', { node: name, provider: provider.name })
      const why = `Deleting node ${name} because it does not exist in the cloud provider`
      events.record(node, 'Normal', 'DeletingNode', why)
      try {
        await client.delete('v1', 'Node', { name }, { preconditions: { uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }

    async function setTaint(node: Node, isWanted: boolean): Promise<void> {
      const others = (node.spec.taints ?? []).filter(({ key }) => key !== SHUTDOWN_TAINT)
      const isThere = others.length !== (node.spec.taints ?? []).length
      if (isThere === isWanted) return
      const taint = { key: SHUTDOWN_TAINT, effect: 'NoSchedule', timeAdded: timestamp(clock.now()) }
      const taints = isWanted ? [...others, taint] : others
      await client.update('v1', 'Node', { ...node, spec: { ...node.spec, taints } }, { signal })
    }
  },
})
