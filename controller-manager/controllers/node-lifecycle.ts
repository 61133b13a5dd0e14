import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { ControllerSettings } from '../config.ts'
import { EvictionPace } from '../nodes/eviction-pace.ts'
import { readyOf, silentConditions, taintsFor } from '../plans/node-health.ts'

/** What was last heard of a node, and when, by this process's own clock: the nodes' clocks may differ. */
interface Heard {
  what: string
  at: number
  ever: boolean
}

/**
 * Notices nodes that have fallen silent (no Lease renewed, no status written): their conditions become Unknown, taints
 * follow the conditions, their pods are marked not ready so that Services pass them by. Taint-eviction does the rest.
 */
export default defineController<ControllerSettings>({
  name: 'node-lifecycle',
  serviceAccount: 'node-controller',
  reconciles: ['v1', 'Node'],
  workers: 4,
  create(tools, settings) {
    const { informers, client, clock, events, signal } = tools
    const nodes = informers.of('v1', 'Node')
    const leases = informers.of('coordination.k8s.io/v1', 'Lease', { namespace: 'kube-node-lease' })
    const pods = informers.of('v1', 'Pod', {}, { node: (pod) => pod.spec.nodeName })
    const heard = new Map<string, Heard>()
    const pace = new EvictionPace(nodes, clock, settings)

    return {
      watch(enqueue) {
        leases.onChange((_key, current) => {
          const node = nodes.cache.get(current?.metadata.name ?? '')
          // Only a lease that is renewed again after silence needs work at once; the rest is noticed by the period.
          if (node && readyOf(node)?.status === 'Unknown') enqueue(node.metadata.name ?? '')
        })
      },

      async reconcile(key) {
        const node = nodes.cache.get(key)
        if (!node) {
          heard.delete(key)
          return
        }
        const observed = await observe(node)
        await taint(observed)
        if (readyOf(observed)?.status !== 'True') await markPodsNotReady(observed)
        return { requeueAfterMilliseconds: settings.nodeMonitorPeriod }
      },
    }

    /** Listens once more; a silence longer than the grace period is written into the node's conditions. */
    async function observe(node: Node): Promise<Node> {
      const name = node.metadata.name ?? ''
      const now = clock.monotonic()
      const heartbeat = readyOf(node)?.lastHeartbeatTime
      const what = `${leases.cache.get(`kube-node-lease/${name}`)?.spec.renewTime ?? ''} ${heartbeat ?? ''}`
      const before = heard.get(name)
      const news = before?.what === what ? before : { what, at: now, ever: heartbeat !== undefined }
      heard.set(name, news)
      const grace = news.ever ? settings.nodeMonitorGracePeriod : settings.nodeStartupGracePeriod
      if (now - news.at < grace) return node
      const conditions = silentConditions(node, clock.now())
      if (sameJson(conditions, node.status.conditions)) return node
      events.record(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
      return client.updateStatus('v1', 'Node', { ...node, status: { ...node.status, conditions } }, { signal })
    }

    async function taint(node: Node): Promise<void> {
      const taints = taintsFor(node, clock.now(), pace.mayEvict(node))
      if (sameJson(taints, node.spec.taints ?? [])) return
      await client.update('v1', 'Node', { ...node, spec: { ...node.spec, taints } }, { signal })
    }

    /** The kubelet cannot say it any more: its pods must not get traffic. */
    async function markPodsNotReady(node: Node): Promise<void> {
      if (readyOf(node)?.status !== 'Unknown') return
      for (const pod of pods.cache.lookup('node', node.metadata.name ?? '')) {
        const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')
        if (ready?.status === 'True') await markNotReady(pod)
      }
    }

    async function markNotReady(pod: Pod): Promise<void> {
      const { namespace, name = '', uid } = pod.metadata
      const condition = { type: 'Ready', status: 'False', lastTransitionTime: timestamp(clock.now()), reason: 'NodeNotReady' }
      const patch = { type: 'strategic' as const, subresource: 'status', body: { metadata: { uid }, status: { conditions: [condition] } } }
      try {
        await client.patch('v1', 'Pod', { namespace, name }, patch, { signal })
        events.record(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }
  },
})
