import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod, Taint } from '../../shared/openapi/generated/core-v1.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { evictionTime } from '../plans/taint-eviction.ts'

/** Deletes pods from nodes whose NoExecute taints they do not, or no longer, tolerate. */
export default defineController({
  name: 'taint-eviction',
  serviceAccount: 'node-controller',
  reconciles: ['v1', 'Pod'],
  workers: 8,
  create({ informers, client, clock, events, signal }) {
    const pods = informers.of('v1', 'Pod', {}, { node: (pod) => pod.spec.nodeName })
    const nodes = informers.of('v1', 'Node')
    /** When taints without a time of their own were first seen, by node and taint. */
    const seen = new Map<string, Map<string, number>>()
    return {
      watch(enqueue) {
        nodes.onChange((name, current, previous) => {
          if (!current) seen.delete(name)
          const before = JSON.stringify(previous?.spec.taints ?? [])
          if (!current || JSON.stringify(current.spec.taints ?? []) === before) return
          const known = seen.get(name)
          const undated = (current.spec.taints ?? []).filter(({ effect, timeAdded }) => effect === 'NoExecute' && timeAdded === undefined)
          if (undated.length === 0) seen.delete(name)
          else seen.set(name, new Map(undated.map((taint) => [idOf(taint), known?.get(idOf(taint)) ?? clock.now()])))
          for (const pod of pods.cache.lookup('node', name)) enqueue(objectKey(pod))
        })
      },
      async reconcile(key) {
        const pod = pods.cache.get(key)
        if (!pod?.spec.nodeName || pod.metadata.deletionTimestamp !== undefined) return
        const node = nodes.cache.get(pod.spec.nodeName)
        const firstSeen = (taint: Taint) => seen.get(node?.metadata.name ?? '')?.get(idOf(taint)) ?? clock.now()
        const at = node && evictionTime(pod, node, clock.now(), firstSeen)
        if (at === undefined) return
        const wait = at - clock.now()
        if (wait > 0) return { requeueAfterMilliseconds: wait }
        await evict(pod)
      },
    }

    async function evict(pod: Pod): Promise<void> {
      const { namespace, name = '', uid } = pod.metadata
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
        lastTransitionTime: timestamp(clock.now()),
      }
      try {
        const body = { metadata: { uid }, status: { conditions: [condition] } }
        await client.patch('v1', 'Pod', { namespace, name }, { type: 'strategic', subresource: 'status', body }, { signal })
        events.record(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
        await client.delete('v1', 'Pod', { namespace, name }, { preconditions: { uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }
  },
})

function idOf({ key, value }: Taint): string {
  return `${key}=${value ?? ''}`
}
