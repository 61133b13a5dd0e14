import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { ObjectName } from '../../shared/objects/object.ts'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'

/** Deletes Jobs, and their pods with them, some time after their end, where they say so. */
export default defineController({
  name: 'ttl-after-finished',
  reconciles: ['batch/v1', 'Job'],
  create({ informers, client, clock, log, signal }) {
    const jobs = informers.of('batch/v1', 'Job')

    return {
      async reconcile(key, name) {
        const cached = jobs.cache.get(key)
        const left = cached && untilExpiry(cached, clock.now())
        if (left === undefined) return
        if (left > 0) return { requeueAfterMilliseconds: left }
        // The time may have been extended since.
        const job = await newest(name)
        const expired = job && untilExpiry(job, clock.now())
        if (!job || expired === undefined) return
        if (expired > 0) return { requeueAfterMilliseconds: expired }
        const { uid, resourceVersion } = job.metadata
        await client.delete('batch/v1', 'Job', name, {
          ...{ propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion }, signal },
        })
        log.info('deleted a job some time after its end', { job: key })
      },
    }

    async function newest(name: ObjectName): Promise<Job | undefined> {
      try {
        return await client.get('batch/v1', 'Job', name, { signal })
      } catch (error) {
        if (hasReason(error, 'NotFound')) return undefined
        throw error
      }
    }
  },
})

/** Milliseconds until a job may go; undefined for one that has not ended, goes already, or is to stay. */
export function untilExpiry({ metadata, spec, status }: Job, now: number): number | undefined {
  const end = status.conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True')
  const endedAt = parseTimestamp(end?.lastTransitionTime ?? undefined)
  if (spec.ttlSecondsAfterFinished === undefined || endedAt === undefined || metadata.deletionTimestamp !== undefined) return undefined
  return endedAt + spec.ttlSecondsAfterFinished * 1_000 - now
}
