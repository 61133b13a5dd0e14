import { defineController } from '../../shared/controller/define-controller.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { ServiceCIDR } from '../../shared/openapi/generated/networking-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import { orphanOf, readyCondition, SERVICE_CIDR_FINALIZER, untilLastLook } from '../plans/service-cidrs.ts'

/** Says which ranges of cluster IPs are ready, and keeps one that is deleted while Services hold addresses of it (KEP-1880). */
export default defineController({
  name: 'service-cidrs',
  reconciles: ['networking.k8s.io/v1', 'ServiceCIDR'],
  create({ informers, client, clock, signal }) {
    const ranges = informers.of('networking.k8s.io/v1', 'ServiceCIDR')
    const addresses = informers.of('networking.k8s.io/v1', 'IPAddress')

    return {
      watch(enqueue) {
        const lookAgain = () => {
          for (const range of ranges.cache.list()) if (range.metadata.deletionTimestamp) enqueue(objectKey(range))
        }
        ranges.onChange(lookAgain)
        addresses.onChange((_key, current) => {
          if (!current) lookAgain()
        })
      },

      async reconcile(key) {
        const range = ranges.cache.get(key)
        if (!range) return
        const { deletionTimestamp, finalizers = [] } = range.metadata
        const isHeld = finalizers.includes(SERVICE_CIDR_FINALIZER)
        if (deletionTimestamp === undefined) {
          if (!isHeld) return void (await keep(range, [...finalizers, SERVICE_CIDR_FINALIZER]))
          return say(range, undefined)
        }
        if (!isHeld) return
        const orphan = orphanOf(range, ranges.cache.list(), addresses.cache.list())
        if (orphan !== undefined) return say(range, orphan)
        const left = untilLastLook(parseTimestamp(deletionTimestamp) ?? 0, clock.now())
        if (left > 0) return { requeueAfterMilliseconds: left }
        // Caches lag behind, and an address must not be left without a range.
        const { items } = await client.list('networking.k8s.io/v1', 'IPAddress', { signal })
        const late = orphanOf(range, ranges.cache.list(), items)
        if (late !== undefined) return say(range, late)
        await keep(
          range,
          finalizers.filter((each) => each !== SERVICE_CIDR_FINALIZER),
        )
      },
    }

    async function keep(range: ServiceCIDR, finalizers: string[]): Promise<void> {
      const metadata = { ...range.metadata, finalizers }
      await client.update('networking.k8s.io/v1', 'ServiceCIDR', { ...range, metadata }, { signal })
    }

    async function say(range: ServiceCIDR, orphan: string | undefined): Promise<void> {
      const conditions = readyCondition(range, orphan, clock.now())
      if (conditions) await client.updateStatus('networking.k8s.io/v1', 'ServiceCIDR', { ...range, status: { conditions } }, { signal })
    }
  },
})
