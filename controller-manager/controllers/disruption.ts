import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../shared/openapi/generated/policy-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { PodScales } from '../disruption/pod-scales.ts'
import { expectedOf, failedStatus, needsScale, planDisruption } from '../plans/disruption.ts'
import { messageOf } from '../pods/pod-control.ts'

/** Works out how many pods of each budget may be evicted now; the eviction API asks the status that this writes. */
export default defineController({
  name: 'disruption',
  serviceAccount: 'disruption-controller',
  reconciles: ['policy/v1', 'PodDisruptionBudget'],
  workers: 4,
  create(tools) {
    const { informers, client, clock, events, signal } = tools
    const budgets = informers.of('policy/v1', 'PodDisruptionBudget')
    const pods = informers.of('v1', 'Pod')
    const scales = new PodScales(tools)

    return {
      watch(enqueue) {
        const wakeAll = (namespace: string | undefined) => {
          for (const budget of budgets.cache.list(namespace)) enqueue(objectKey(budget))
        }
        pods.onChange((_key, current, previous) => {
          const { namespace } = (current ?? previous)?.metadata ?? {}
          for (const budget of budgets.cache.list(namespace)) {
            if ([current, previous].some((pod) => pod && selects(budget, pod))) enqueue(objectKey(budget))
          }
        })
        const onScale = (_key: string, current: Scaled | undefined, previous: Scaled | undefined) => {
          if (current?.spec.replicas !== previous?.spec.replicas) wakeAll((current ?? previous)?.metadata.namespace)
        }
        informers.of('apps/v1', 'ReplicaSet').onChange(onScale)
        informers.of('apps/v1', 'Deployment').onChange(onScale)
        informers.of('apps/v1', 'StatefulSet').onChange(onScale)
        informers.of('v1', 'ReplicationController').onChange(onScale)
      },

      async reconcile(key) {
        const budget = budgets.cache.get(key)
        if (!budget || budget.metadata.deletionTimestamp !== undefined) return
        const own = pods.cache.list(budget.metadata.namespace ?? '').filter((pod) => selects(budget, pod))
        if (own.length === 0) events.record(budget, 'Normal', 'NoPods', 'No matching pods found')
        let scale = 0
        try {
          scale = needsScale(budget) ? await askScale(budget, own) : 0
        } catch (error) {
          if (signal.aborted) throw error
          const why = messageOf(error)
          events.record(budget, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${why}`)
          await write(budget, failedStatus(budget, why, clock.now()))
          throw error
        }
        const plan = planDisruption(budget, own, expectedOf(budget, own.length, scale), clock.now())
        for (const pod of plan.notDeleted) {
          const { namespace, name } = budget.metadata
          events.record(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`)
        }
        await write(budget, plan.status)
        if (plan.recheckAt !== undefined) return { requeueAfterMilliseconds: Math.max(plan.recheckAt - clock.now(), 0) + 1 }
      },
    }

    async function askScale(budget: PodDisruptionBudget, own: readonly Pod[]): Promise<number> {
      const { replicas, unmanaged } = await scales.of(own)
      if (unmanaged.length > 0) {
        const selector = labelSelectorFrom(budget.spec.selector).toString()
        const message = `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`
        events.record(budget, 'Warning', 'UnmanagedPods', message)
      }
      return replicas
    }

    /** An eviction that came between makes it a conflict: it is worked out again. */
    async function write(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus): Promise<void> {
      if (sameJson(sorted(budget.status), sorted(status))) return
      try {
        await client.updateStatus('policy/v1', 'PodDisruptionBudget', { ...budget, status }, { signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error
      }
    }
  },
})

interface Scaled {
  readonly metadata: { readonly namespace?: string | undefined }
  readonly spec: { readonly replicas?: number | undefined }
}

/** No selector selects nothing, an empty one everything. */
function selects({ metadata, spec }: PodDisruptionBudget, pod: Pod): boolean {
  return (
    metadata.namespace === pod.metadata.namespace &&
    spec.selector !== undefined &&
    labelSelectorFrom(spec.selector).matches(pod.metadata.labels)
  )
}

/** In one order of fields. */
function sorted(status: PodDisruptionBudgetStatus): unknown {
  const { observedGeneration, disruptedPods, disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, conditions } = status
  const disrupted = Object.entries(disruptedPods ?? {}).sort()
  return [observedGeneration, disrupted, disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods, (conditions ?? []).map(fieldsOf)]
}

function fieldsOf({
  type,
  status,
  reason,
  message,
  observedGeneration,
  lastTransitionTime,
}: NonNullable<PodDisruptionBudgetStatus['conditions']>[number]) {
  return [type, status, reason, message, observedGeneration, lastTransitionTime]
}
