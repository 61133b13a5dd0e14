import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { Pod, ResourceQuota } from '../../shared/openapi/generated/core-v1.ts'
import { podQuota } from '../../shared/quota/pods.ts'
import { serviceQuota } from '../../shared/quota/services.ts'
import { type Counted, countedStatus, quotaStep } from '../plans/quota-usage.ts'
import { CountedKinds } from '../quotas/counted-kinds.ts'

/** Everything is counted again this often, whatever happened (upstream's resource-quota-sync-period). */
const RESYNC_MILLISECONDS = 5 * 60_000
/** How long a quota must not have been charged before a lower count is believed: longer than a write and its way into a cache take. */
const QUIET_MILLISECONDS = 2_000
/** What was made while a limit was new may not have been charged: it is counted again when that has settled. */
const NEW_LIMIT_MILLISECONDS = 5_000
const LISTING_MILLISECONDS = 200

/** Counts what namespaces use of their quotas: admission charges, and only this gives back what was deleted. */
export default defineController({
  name: 'resourcequota',
  serviceAccount: 'resourcequota-controller',
  reconciles: ['v1', 'ResourceQuota'],
  workers: 5,
  create(tools) {
    const { informers, client, clock, signal } = tools
    const quotas = informers.of('v1', 'ResourceQuota')
    const pods = informers.of('v1', 'Pod')
    const services = informers.of('v1', 'Service')
    /** Since when each quota has looked as it does. */
    const seen = new Map<string, { readonly version: string | undefined; readonly since: number }>()
    let wakeAll: (namespace?: string) => void = () => undefined
    let wakeSoon: (namespace?: string) => void = () => undefined
    const counted = new CountedKinds(tools, { gone: (namespace) => wakeAll(namespace), come: (namespace) => wakeSoon(namespace) })

    return {
      watch(enqueue, enqueueAfter) {
        wakeAll = (namespace) => {
          for (const quota of quotas.cache.list(namespace)) enqueue(objectKey(quota))
        }
        // What comes was charged, and most counts find nothing to do. But a cache may have been so late that it was counted without, and the charge undone.
        wakeSoon = (namespace) => {
          for (const quota of quotas.cache.list(namespace)) enqueueAfter(objectKey(quota), QUIET_MILLISECONDS)
        }
        quotas.onChange((key, current) => {
          if (current) seen.set(key, { version: current.metadata.resourceVersion, since: clock.monotonic() })
          else seen.delete(key)
        })
        pods.onChange((_key, current, previous) => {
          if (previous && (!current || (hasFinished(current) && !hasFinished(previous)))) wakeAll(previous.metadata.namespace)
          if (current && !previous) wakeSoon(current.metadata.namespace)
        })
        services.onChange((_key, current, previous) => {
          if (previous && current?.spec.type !== previous.spec.type) wakeAll(previous.metadata.namespace)
          if (current && !previous) wakeSoon(current.metadata.namespace)
        })
      },

      run: (stopped) => counted.discover(stopped, () => wakeAll()),

      async reconcile(key) {
        const quota = quotas.cache.get(key)
        if (!quota || quota.metadata.deletionTimestamp !== undefined) return
        const all = everythingOf(quota)
        if (!all) return { requeueAfterMilliseconds: LISTING_MILLISECONDS }
        const status = countedStatus(quota, all, clock.now())
        const step = quotaStep(quota.status, status)
        if (step === 'writeWhenQuiet') {
          const wait = (seen.get(key)?.since ?? 0) + QUIET_MILLISECONDS - clock.monotonic()
          if (wait > 0) return { requeueAfterMilliseconds: wait }
        }
        if (step !== 'done') {
          await write({ ...quota, status })
          return { requeueAfterMilliseconds: NEW_LIMIT_MILLISECONDS }
        }
        return { requeueAfterMilliseconds: RESYNC_MILLISECONDS }
      },
    }

    /** Undefined while something is still being listed. */
    function everythingOf({ metadata, spec }: ResourceQuota): Counted[] | undefined {
      const { namespace = '' } = metadata
      const others = counted.named(Object.keys(spec.hard ?? {}))
      return (
        others && [
          { kind: podQuota, objects: pods.cache.list(namespace) },
          { kind: serviceQuota, objects: services.cache.list(namespace) },
          ...others.map(({ kind, list }) => ({ kind, objects: list(namespace) })),
        ]
      )
    }

    /** Under the version that was counted: a charge that came between makes it a conflict, and it is counted again. */
    async function write(quota: ResourceQuota): Promise<void> {
      try {
        await client.updateStatus('v1', 'ResourceQuota', quota, { signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
  },
})

function hasFinished({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed'
}
