import type { Node } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { defineCloudController, partOf } from '../cloud-controller.ts'
import { routeChanges } from '../plans/routes.ts'
import { TryLater } from '../provider.ts'

/** There is one thing to look after: the table as a whole. */
const TABLE = 'routes'

/** Keeps the provider's routes equal to the nodes' ranges of Pods, and says on each Node whether its Pods are reached. */
export default defineCloudController({
  name: 'route',
  needs: 'routes',
  workers: 1,
  create({ informers, client, clock, events, signal }, { provider, config }) {
    const routes = partOf(provider, 'routes')
    const nodes = informers.of('v1', 'Node')

    return {
      watch(enqueue) {
        nodes.onChange((_key, current, previous) => {
          const what = (node: Node | undefined) => JSON.stringify([node?.spec.podCIDR, node?.spec.podCIDRs, node?.status.addresses])
          if (what(current) !== what(previous)) enqueue(TABLE)
        })
      },

      async reconcile() {
        try {
          const before = routeChanges(nodes.cache.list(), await routes.list(signal), config.clusterCidr)
          // A range that moves to another gateway must be free first.
          for (const route of before.surplus) await routes.delete(route, signal)
          for (const route of before.missing) await routes.create(route, signal)
          const { reached } =
            before.missing.length > 0 ? routeChanges(nodes.cache.list(), await routes.list(signal), config.clusterCidr) : before
          for (const [name, isReached] of reached) await say(name, isReached)
        } catch (error) {
          if (error instanceof TryLater) return { requeueAfterMilliseconds: error.afterMilliseconds }
          throw error
        }
        return { requeueAfterMilliseconds: config.routeReconciliationPeriod }
      },
    }

    /** The condition that keeps Pods off nodes whose Pods nobody reaches. */
    async function say(name: string, isReached: boolean): Promise<void> {
      const node = nodes.cache.get(name)
      if (!node) return
      const status = isReached ? 'False' : 'True'
      const before = node.status.conditions?.find(({ type }) => type === 'NetworkUnavailable')
      if (before?.status === status) return
      const now = timestamp(clock.now())
      const [reason, message] = isReached
        ? ['RouteCreated', 'RouteController created a route']
        : ['NoRouteCreated', 'RouteController failed to create a route']
      const condition = { type: 'NetworkUnavailable', status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now }
      const body = { metadata: { uid: node.metadata.uid }, status: { conditions: [condition] } }
      await client.patch('v1', 'Node', { name }, { type: 'strategic', subresource: 'status', body }, { signal })
      if (!isReached) events.record(node, 'Warning', 'FailedToCreateRoute', `there is no route to the Pods of node ${name}`)
    }
  },
})
