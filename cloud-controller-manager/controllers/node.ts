import { sameJson } from '../../shared/objects/same-json.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { defineCloudController, partOf } from '../cloud-controller.ts'
import { instanceLabels, isUninitialized, nodeAddresses, UNINITIALIZED_TAINT } from '../plans/node-initialisation.ts'
import type { InstanceMetadata } from '../provider.ts'

/** A machine that has just been ordered may not be in the cloud's lists yet. */
const UNKNOWN_PAUSE = 10_000

/**
 * Writes into Nodes what the cloud knows of their machines. A node with the taint for uninitialised ones gets its provider id, labels and
 * addresses, and only then loses the taint; later its addresses are followed. The taint goes last: whoever runs on the node finds all of it.
 */
export default defineCloudController({
  name: 'cloud-node',
  serviceAccount: 'node-controller',
  needs: 'instances',
  reconciles: ['v1', 'Node'],
  create({ informers, client, events, log, signal }, { provider, config }) {
    const instances = partOf(provider, 'instances')
    const nodes = informers.of('v1', 'Node')
    const later = { requeueAfterMilliseconds: config.nodeStatusUpdateFrequency }

    return {
      async reconcile(key) {
        const node = nodes.cache.get(key)
        if (!node || node.metadata.deletionTimestamp) return
        const isNew = isUninitialized(node)
        // A node that no provider has taken in is described by its kubelet alone.
        if (!isNew && !node.spec.providerID) return
        const metadata = await instances.metadata(node, signal)
        if (!metadata) {
          if (isNew) log.warn('the cloud knows no machine of this node', { node: key, provider: provider.name })
          return isNew ? { requeueAfterMilliseconds: UNKNOWN_PAUSE } : later
        }
        await writeAddresses(node, metadata)
        if (!isNew) return later
        await initialise(node, metadata)
        events.record(node, 'Normal', 'Synced', 'Node synced successfully')
        return later
      },
    }

    async function writeAddresses(node: Node, metadata: InstanceMetadata): Promise<void> {
      const addresses = nodeAddresses(node, metadata)
      if (addresses.length === 0 || sameJson(addresses, node.status.addresses)) return
      const body = { metadata: { uid: node.metadata.uid }, status: { addresses } }
      await client.patch('v1', 'Node', nameOf(node), { type: 'merge', subresource: 'status', body }, { signal })
    }

    /** Under the version that is read now: the list of taints is replaced as a whole. */
    async function initialise({ metadata: { name = '', uid } }: Node, metadata: InstanceMetadata): Promise<void> {
      const node = await client.get('v1', 'Node', { name }, { signal })
      if (node.metadata.uid !== uid) return
      const taints = (node.spec.taints ?? []).filter(({ key }) => key !== UNINITIALIZED_TAINT)
      const labels = { ...node.metadata.labels, ...instanceLabels(metadata) }
      // A provider id is for life.
      const providerID = node.spec.providerID || metadata.providerID
      const wanted = { ...node, metadata: { ...node.metadata, labels }, spec: { ...node.spec, providerID, taints } }
      await client.update('v1', 'Node', wanted, { signal })
    }
  },
})

const nameOf = ({ metadata: { name = '' } }: Node) => ({ name })
