import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { ControllerSettings } from '../config.ts'

/** How often the pods are swept, and how long a vanished node may take to come back. */
const SWEEP_MILLISECONDS = 20_000
const NODE_GRACE_MILLISECONDS = 40_000

/** Removes pods nobody else will: on nodes that are gone, deleted before they had a node, and finished ones beyond the threshold. */
export default defineController<ControllerSettings>({
  name: 'pod-garbage-collector',
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
        const lost = lostNodes(all, now)
        const finished = all.filter((pod) => pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed')
        const surplus = settings.terminatedPodGcThreshold > 0 ? Math.max(finished.length - settings.terminatedPodGcThreshold, 0) : 0
        const oldest = finished.sort(byCreation).slice(0, surplus)
        const orphans = all.filter((pod) => lost.has(pod.spec.nodeName ?? ''))
        const homeless = all.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName)
        for (const pod of new Set([...orphans, ...homeless, ...oldest])) await remove(pod, lost.has(pod.spec.nodeName ?? ''))
        return { requeueAfterMilliseconds: SWEEP_MILLISECONDS }
      },
    }

    /** Nodes that pods name and that have been missing for the grace time. */
    function lostNodes(all: readonly Pod[], now: number): Set<string> {
      const named = new Set(all.flatMap((pod) => pod.spec.nodeName || []))
      for (const name of missingSince.keys()) if (!named.has(name) || nodes.cache.get(name)) missingSince.delete(name)
      for (const name of named) if (!nodes.cache.get(name) && !missingSince.has(name)) missingSince.set(name, now)
      return new Set([...missingSince].filter(([, since]) => now - since >= NODE_GRACE_MILLISECONDS).map(([name]) => name))
    }

    async function remove(pod: Pod, nodeLost: boolean): Promise<void> {
      const { namespace, name = '', uid } = pod.metadata
      try {
        if (nodeLost && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed') {
          const body = { status: { phase: 'Failed', reason: 'NodeLost', message: `Node ${pod.spec.nodeName} is gone` } }
          await client.patch('v1', 'Pod', { namespace, name }, { type: 'merge', subresource: 'status', body }, { signal })
        }
        await client.delete('v1', 'Pod', { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
        log.info('removed a pod nobody else would', { pod: `${namespace}/${name}`, node: pod.spec.nodeName })
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }
  },
})

function byCreation(left: Pod, right: Pod): number {
  return (left.metadata.creationTimestamp ?? '') < (right.metadata.creationTimestamp ?? '') ? -1 : 1
}
