import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { isTrue } from '../../shared/objects/conditions.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import type { ControllerSettings } from '../config.ts'

/** How often the pods are swept, and how long a vanished node may take to come back. */
const SWEEP_MILLISECONDS = 20_000
const NODE_GRACE_MILLISECONDS = 40_000

/** Removes pods nobody else will: on nodes that are gone, deleted ones on nodes that are off for sure, deleted before they had a node, and finished ones beyond the threshold. */
export default defineController<ControllerSettings>({
  name: 'pod-garbage-collector',
  serviceAccount: 'pod-garbage-collector',
  workers: 1,
  create({ informers, client, clock, log, signal }, settings) {
    const pods = informers.of('v1', 'Pod')
    const nodes = informers.of('v1', 'Node')
    const missingSince = new Map<string, number>()

    return {
      watch(enqueue) {
        enqueue('sweep')
      },
      async reconcile() {
        const now = clock.monotonic()
        const all = pods.cache.list()
        const lost = await lostNodes(all, now)
        const finished = all.filter((pod) => pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed')
        const surplus = settings.terminatedPodGcThreshold > 0 ? Math.max(finished.length - settings.terminatedPodGcThreshold, 0) : 0
        const oldest = finished.sort(byCreation).slice(0, surplus)
        const orphans = all.filter((pod) => lost.has(pod.spec.nodeName ?? ''))
        const homeless = all.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName)
        const cutOff = all.filter(
          (pod) => pod.metadata.deletionTimestamp !== undefined && isOutOfService(nodes.cache.get(pod.spec.nodeName ?? '')),
        )
        for (const pod of new Set([...orphans, ...homeless, ...cutOff, ...oldest])) await remove(pod, lost.has(pod.spec.nodeName ?? ''))
        return { requeueAfterMilliseconds: SWEEP_MILLISECONDS }
      },
    }

    /** Nodes that pods name and that have been missing for the grace time, in the cache and then in truth. */
    async function lostNodes(all: readonly Pod[], now: number): Promise<Set<string>> {
      const named = new Set(all.flatMap((pod) => pod.spec.nodeName || []))
      for (const name of missingSince.keys()) if (!named.has(name) || nodes.cache.get(name)) missingSince.delete(name)
      for (const name of named) if (!nodes.cache.get(name) && !missingSince.has(name)) missingSince.set(name, now)
      const lost = new Set<string>()
      for (const [name, since] of missingSince) {
        if (now - since >= NODE_GRACE_MILLISECONDS && !(await exists(name))) lost.add(name)
      }
      return lost
    }

    async function exists(name: string): Promise<boolean> {
      try {
        await client.get('v1', 'Node', { name }, { signal })
        return true
      } catch (error) {
        if (hasReason(error, 'NotFound')) return false
        throw error
      }
    }

    async function remove(pod: Pod, nodeLost: boolean): Promise<void> {
      const { namespace, name = '', uid } = pod.metadata
      try {
        // Finalizers may keep it: no kubelet will say that it has ended, and whoever counts ends waits for that.
        if (pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed') {
          const condition = {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'DeletionByPodGC',
            message: 'PodGC: node no longer exists',
            lastTransitionTime: timestamp(clock.now()),
          }
          const body = { metadata: { uid }, status: { phase: 'Failed', ...(nodeLost ? { conditions: [condition] } : {}) } }
          await client.patch('v1', 'Pod', { namespace, name }, { type: 'strategic', subresource: 'status', body }, { signal })
        }
        await client.delete('v1', 'Pod', { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
        log.info('removed a pod nobody else would', { pod: `${namespace}/${name}`, node: pod.spec.nodeName })
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }
  },
})

/** Somebody who knows says that the machine is off: what ran there does not (upstream's non-graceful node shutdown). */
function isOutOfService(node: Node | undefined): boolean {
  if (!node || isTrue(node.status.conditions, 'Ready')) return false
  return node.spec.taints?.some(({ key }) => key === 'node.kubernetes.io/out-of-service') ?? false
}

function byCreation(left: Pod, right: Pod): number {
  return (left.metadata.creationTimestamp ?? '') < (right.metadata.creationTimestamp ?? '') ? -1 : 1
}
