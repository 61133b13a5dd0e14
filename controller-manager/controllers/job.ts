import { type ControllerTools, defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { type ObjectName, objectKey, parseObjectKey } from '../../shared/objects/object.ts'
import type { Job } from '../../shared/openapi/generated/batch-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { isFinished, isManagedElsewhere } from '../jobs/job-facts.ts'
import { hasEnded, isTracked, TRACKING_FINALIZER } from '../jobs/job-pod.ts'
import { JobPodControl } from '../jobs/job-pod-control.ts'
import { JobReconciliation } from '../jobs/job-reconciliation.ts'
import { TrackedPods } from '../jobs/tracked-pods.ts'
import { claim, controllerOf, orphansOf, ownerLookup } from '../pods/claim.ts'
import { enqueueOwners } from '../pods/enqueue-owners.ts'
import { Expectations } from '../pods/expectations.ts'

/** Marks keys of pods that nobody counts and that still carry the finalizer. */
const LEFT_BEHIND = 'left behind '

/** Runs pods to their end until enough of them have succeeded, and counts each end exactly once. */
export default defineController({
  name: 'job',
  reconciles: ['batch/v1', 'Job'],
  workers: 5,
  create(tools) {
    const { informers, client, signal } = tools
    const jobs = informers.of('batch/v1', 'Job', {}, { namespace: ({ metadata }) => metadata.namespace })
    const pods = informers.of('v1', 'Pod', {}, { owner: ownerLookup })
    const parts = createParts(tools)
    const { ownWrites, podWrites, tracked, podControl } = parts

    return {
      watch(enqueue) {
        pods.onChange((key, current, previous) => {
          if (current && isTracked(current) && isLeftBehind(current)) enqueue(`${LEFT_BEHIND}${key}`)
          enqueueOwners([current, previous], 'Job', enqueue, (orphan) =>
            jobs.cache.lookup('namespace', orphan.metadata.namespace ?? '').filter((job) => selects(job, orphan)),
          )
        })
        jobs.onChange((_key, current, previous) => {
          if (!previous || (current && !isFinished(current))) return
          for (const pod of pods.cache.lookup('owner', previous.metadata.uid ?? '')) {
            if (isTracked(pod)) enqueue(`${LEFT_BEHIND}${objectKey(pod)}`)
          }
        })
      },

      async reconcile(key, name) {
        if (key.startsWith(LEFT_BEHIND)) return letGo(key.slice(LEFT_BEHIND.length))
        const cached = jobs.cache.get(key)
        if (!cached) {
          ownWrites.forget(key)
          podControl.forget(key)
          return
        }
        if (isManagedElsewhere(cached) || isFinished(cached)) return
        // The job's own event brings us back.
        if (!ownWrites.satisfied(key)) return
        const isCurrent = podWrites.satisfied(key)
        const claimed = await claimPods(cached, name)
        const job = await newestOf(cached, name, claimed)
        if (!job) return { requeueAfterMilliseconds: 100 }
        const mine = await knownEnds(job, claimed)
        const { uid = '' } = job.metadata
        await Promise.all(tracked.stillHeld(uid, mine).map((pod) => tracked.release(uid, pod)))
        const reconciliation = new JobReconciliation(job, mine, tracked.releasedOf(uid, mine), {
          ...tools,
          ...{ podControl, tracked },
          writeStatus: async (next) => {
            const written = await client.updateStatus('batch/v1', 'Job', next, { signal })
            ownWrites.written(key, written)
            return written
          },
        })
        return reconciliation.run(isCurrent)
      },
    }

    async function claimPods(job: Job, name: ObjectName): Promise<Pod[]> {
      const { uid = '', namespace = '' } = job.metadata
      const candidates = [...pods.cache.lookup('owner', uid), ...pods.cache.lookup('owner', orphansOf(namespace))]
      const claimed = await claim(job, labelSelectorFrom(job.spec.selector), candidates, {
        ...{ client, kind: ['v1', 'Pod'] as const, finalizer: TRACKING_FINALIZER, signal },
        freshOwner: () => client.get('batch/v1', 'Job', name, { signal }),
      })
      // What was adopted just now is tracked just now.
      return claimed.map((pod) => (controllerOf(pod)?.uid === uid ? pod : adopted(pod)))
    }

    /**
     * A pod that ended and is not tracked any more is in the job's counters, or the job here is an older one. Where the cache of jobs
     * cannot tell, the server is asked; undefined when it has another job than we know.
     */
    async function newestOf(job: Job, name: ObjectName, mine: readonly Pod[]): Promise<Job | undefined> {
      const isInDoubt = mine.some((pod) => hasEnded(pod) && !isTracked(pod) && Number(pod.metadata.resourceVersion) > jobs.revision)
      if (!isInDoubt) return job
      const fresh = await client.get('batch/v1', 'Job', name, { signal })
      return fresh.metadata.resourceVersion === job.metadata.resourceVersion ? job : undefined
    }

    /** Before ends are counted the pods must be at least as new as the job: one that it has counted may look uncounted otherwise. */
    async function knownEnds(job: Job, mine: Pod[]): Promise<Pod[]> {
      const { succeeded = [], failed = [] } = job.status.uncountedTerminatedPods ?? {}
      const hasEnds = succeeded.length + failed.length > 0 || mine.some((pod) => hasEnded(pod) && isTracked(pod))
      if (!hasEnds || pods.revision >= Number(job.metadata.resourceVersion)) return mine
      const { uid, namespace } = job.metadata
      const labelSelector = labelSelectorFrom(job.spec.selector).toString()
      const { items } = await client.list('v1', 'Pod', { namespace, labelSelector, signal })
      return items.filter((pod) => controllerOf(pod)?.uid === uid)
    }

    /** No job will count it: there is none, or it is over. */
    function isLeftBehind(pod: Pod): boolean {
      const owner = controllerOf(pod)
      if (!owner) return true
      if (owner.kind !== 'Job' || owner.apiVersion !== 'batch/v1') return false
      const job = jobs.cache.get(`${pod.metadata.namespace}/${owner.name}`)
      return job?.metadata.uid !== owner.uid || (isFinished(job) && !isManagedElsewhere(job))
    }

    async function letGo(key: string): Promise<void> {
      const pod = pods.cache.get(key)
      if (!pod || !isTracked(pod) || !isLeftBehind(pod)) return
      const owner = controllerOf(pod)
      // A job that the cache does not show may be newer than the cache.
      const isGone = owner && !jobs.cache.get(`${pod.metadata.namespace}/${owner.name}`)
      if (isGone && (await exists({ namespace: parseObjectKey(key).namespace, name: owner.name }, owner.uid))) return
      await tracked.release(owner?.uid ?? '', pod)
      if (owner) tracked.forget(owner.uid)
    }

    async function exists(name: ObjectName, uid: string): Promise<boolean> {
      try {
        return (await client.get('batch/v1', 'Job', name, { signal })).metadata.uid === uid
      } catch (error) {
        if (hasReason(error, 'NotFound')) return false
        throw error
      }
    }
  },
})

function createParts(tools: ControllerTools) {
  const { informers, client, clock, signal } = tools
  const pods = informers.of('v1', 'Pod')
  /** Status writes that the cache of jobs may not show yet: planning on the older one would be to plan twice. */
  const ownWrites = new Expectations(informers.of('batch/v1', 'Job'), clock)
  const podWrites = new Expectations(pods, clock)
  const tracked = new TrackedPods(client, signal)
  return { ownWrites, podWrites, tracked, podControl: new JobPodControl(tools, pods.cache, podWrites, tracked) }
}

function selects({ spec }: Job, { metadata }: Pod): boolean {
  return labelSelectorFrom(spec.selector).matches(metadata.labels)
}

function adopted(pod: Pod): Pod {
  return { ...pod, metadata: { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), TRACKING_FINALIZER] } }
}
