import { defineController } from '../../shared/controller/define-controller.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import type { ControllerSettings } from '../config.ts'
import { formatRange, parseRange, RangePool } from '../plans/pod-ranges.ts'

/** Gives every node a range of Pod addresses. One worker: two nodes must never be given one range. */
export default defineController<ControllerSettings>({
  name: 'node-ipam',
  serviceAccount: 'node-controller',
  reconciles: ['v1', 'Node'],
  workers: 1,
  create({ informers, client, events, log, signal }, settings) {
    const nodes = informers.of('v1', 'Node')
    const pool = new RangePool(parseRange(settings.clusterCidr), settings.nodeCidrMaskSize)
    /** Ranges given out, by node. One stays the node's until it is gone: a write without an answer is repeated with the same range. */
    const given = new Map<string, string>()
    /** Nodes that were left without a range when there was none. */
    const waiting = new Set<string>()
    return {
      watch(enqueue) {
        nodes.onChange((name, current, previous) => {
          if (previous?.spec.podCIDR && previous.spec.podCIDR !== current?.spec.podCIDR) mark(name, previous.spec.podCIDR, 'release')
          if (current?.spec.podCIDR && current.spec.podCIDR !== previous?.spec.podCIDR) mark(name, current.spec.podCIDR, 'take')
          if (current) return
          const reserved = given.get(name)
          if (reserved) mark(name, reserved, 'release')
          given.delete(name)
          waiting.delete(name)
          for (const other of waiting) enqueue(other)
        })
      },

      async reconcile(key) {
        const node = nodes.cache.get(key)
        if (!node || !settings.allocateNodeCidrs || node.spec.podCIDR) return
        const text = given.get(key) ?? reserve(key)
        if (text === undefined) {
          waiting.add(key)
          events.record(node, 'Warning', 'CIDRNotAvailable', `Node ${key} status is now: CIDRNotAvailable`)
          throw new TerminalError(`all ranges of ${settings.clusterCidr} are in use; widen --cluster-cidr or raise --node-cidr-mask-size`)
        }
        waiting.delete(key)
        const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: text, podCIDRs: [text] } }
        await client.patch('v1', 'Node', { name: key }, { type: 'merge', body }, { signal })
      },
    }

    function reserve(name: string): string | undefined {
      const range = pool.firstFree()
      if (!range) return undefined
      pool.take(range)
      given.set(name, formatRange(range))
      return formatRange(range)
    }

    function mark(node: string, range: string, how: 'take' | 'release'): void {
      try {
        pool[how](parseRange(range))
      } catch (error) {
        log.warn('a node has a range that cannot be read', { node, range, error })
      }
    }
  },
})
