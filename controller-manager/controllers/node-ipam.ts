import { defineController } from '../../shared/controller/define-controller.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import type { ControllerSettings } from '../config.ts'
import { firstFreeRange, formatRange, parseRange } from '../plans/pod-ranges.ts'

/** Gives every node a range of Pod addresses. One worker: two nodes must never be given one range. */
export default defineController<ControllerSettings>({
  name: 'node-ipam',
  reconciles: ['v1', 'Node'],
  workers: 1,
  create({ informers, client, events, signal }, settings) {
    const nodes = informers.of('v1', 'Node')
    const cluster = parseRange(settings.clusterCidr)
    /** Ranges given out that the cache may not show yet. */
    const given = new Map<string, string>()
    return {
      async reconcile(key) {
        const node = nodes.cache.get(key)
        if (!node) {
          given.delete(key)
          return
        }
        if (!settings.allocateNodeCidrs || node.spec.podCIDR) return
        const taken = [...given.values(), ...nodes.cache.list().flatMap((each) => each.spec.podCIDR ?? [])].map(parseRange)
        const range = firstFreeRange(cluster, settings.nodeCidrMaskSize, taken)
        if (!range) {
          events.record(node, 'Warning', 'CIDRNotAvailable', `Node ${key} status is now: CIDRNotAvailable`)
          throw new TerminalError(`all ranges of ${settings.clusterCidr} are in use; widen --cluster-cidr or raise --node-cidr-mask-size`)
        }
        const text = formatRange(range)
        const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: text, podCIDRs: [text] } }
        given.set(key, text)
        try {
          await client.patch('v1', 'Node', { name: key }, { type: 'merge', body }, { signal })
        } catch (error) {
          given.delete(key)
          throw error
        }
      },
    }
  },
})
