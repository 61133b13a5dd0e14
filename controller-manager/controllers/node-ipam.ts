import { familyOf, ofFamily } from '../../shared/addresses/ip-families.ts'
import { defineController } from '../../shared/controller/define-controller.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import type { ControllerSettings } from '../config.ts'
import { maskSize } from '../plans/node-mask-size.ts'
import { formatRange, parseRange, RangePool } from '../plans/pod-ranges.ts'

/** Gives every node a range of Pod addresses of each family of the cluster. One worker: two nodes must never be given one range. */
export default defineController<ControllerSettings>({
  name: 'node-ipam',
  serviceAccount: 'node-controller',
  reconciles: ['v1', 'Node'],
  workers: 1,
  create({ informers, client, events, log, signal }, settings) {
    const nodes = informers.of('v1', 'Node')
    const pools = settings.clusterCidr.map((range) => ({
      ...{ range, family: familyOf(range) },
      pool: new RangePool(parseRange(range), maskSize(settings, familyOf(range))),
    }))
    /** Ranges given out, by node. They stay the node's until it is gone: a write without an answer is repeated with the same ranges. */
    const given = new Map<string, string[]>()
    /** Nodes that were left without a range when there was none. */
    const waiting = new Set<string>()
    return {
      watch(enqueue) {
        nodes.onChange((name, current, previous) => {
          const [before, now] = [previous, current].map((node) => node?.spec.podCIDRs ?? []) as [string[], string[]]
          for (const range of before) if (!now.includes(range)) mark(name, range, 'release')
          for (const range of now) if (!before.includes(range)) mark(name, range, 'take')
          if (current) return
          for (const reserved of given.get(name) ?? []) mark(name, reserved, 'release')
          given.delete(name)
          waiting.delete(name)
          for (const other of waiting) enqueue(other)
        })
      },

      async reconcile(key) {
        const node = nodes.cache.get(key)
        if (!node || !settings.allocateNodeCidrs) return
        const had = node.spec.podCIDRs ?? []
        const podCIDRs = [...had]
        for (const { range, family } of pools) {
          if (ofFamily(family, had) !== undefined) continue
          const text = ofFamily(family, given.get(key) ?? []) ?? reserve(key, range)
          if (text === undefined) refuse(node, range)
          podCIDRs.push(text)
        }
        waiting.delete(key)
        if (podCIDRs.length === had.length) return
        // A node that has the range of one family only gets the other's; what it has stays first.
        const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } }
        await client.patch('v1', 'Node', { name: key }, { type: 'merge', body }, { signal })
      },
    }

    function refuse(node: Node, range: string): never {
      const { name = '' } = node.metadata
      waiting.add(name)
      events.record(node, 'Warning', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`)
      throw new TerminalError(`all ranges of ${range} are in use; widen --cluster-cidr or raise --node-cidr-mask-size`)
    }

    function reserve(name: string, cluster: string): string | undefined {
      const pool = pools.find(({ range }) => range === cluster)?.pool
      const range = pool?.firstFree()
      if (!pool || !range) return undefined
      pool.take(range)
      given.set(name, [...(given.get(name) ?? []), formatRange(range)])
      return formatRange(range)
    }

    function mark(node: string, range: string, how: 'take' | 'release'): void {
      try {
        const parsed = parseRange(range)
        for (const { pool } of pools) pool[how](parsed)
      } catch (error) {
        log.warn('a node has a range that cannot be read', { node, range, error })
      }
    }
  },
})
