import { defineController } from '../../shared/controller/define-controller.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { type LabelSelector, labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { planReplicas } from '../plans/replicas.ts'
import { claim, controllerOf, orphansOf, ownerLookup } from '../pods/claim.ts'
import { Expectations } from '../pods/expectations.ts'
import { createPod, deletePod, inGrowingBatches, isTerminatingNamespace, isUnanswered, messageOf, podName } from '../pods/pod-control.ts'
import { isActive, isAvailable, isReady, untilAvailable } from '../pods/pod-facts.ts'

/** Keeps as many pods of a ReplicaSet as it asks for. */
export default defineController({
  name: 'replicaset',
  reconciles: ['apps/v1', 'ReplicaSet'],
  workers: 5,
  create(tools) {
    const { informers, client, clock, random, signal } = tools
    const sets = informers.of('apps/v1', 'ReplicaSet', {}, { namespace: (set) => set.metadata.namespace })
    const pods = informers.of('v1', 'Pod', {}, { owner: ownerLookup })
    const expectations = new Expectations(pods, clock)
    /** Names of pods whose creation was not answered, by set: they are tried first, so that none is made twice. */
    const unanswered = new Map<string, string[]>()
    /** Uids of pods whose deletion was not answered, by set: until it is, they count as gone, so that no other pod goes in their place. */
    const doomed = new Map<string, Set<string>>()

    return {
      watch(enqueue) {
        pods.onChange((_key, current, previous) => {
          for (const pod of [current, previous]) {
            if (!pod) continue
            const owner = controllerOf(pod)
            if (owner?.kind === 'ReplicaSet') enqueue(`${pod.metadata.namespace}/${owner.name}`)
          }
          if (current && !controllerOf(current)) {
            for (const set of sets.cache.lookup('namespace', current.metadata.namespace ?? '')) {
              if (selectorOf(set).matches(current.metadata.labels)) enqueue(`${set.metadata.namespace}/${set.metadata.name}`)
            }
          }
        })
      },

      async reconcile(key, name) {
        const set = sets.cache.get(key)
        if (!set) {
          expectations.forget(key)
          unanswered.delete(key)
          doomed.delete(key)
          return
        }
        const candidates = [
          ...pods.cache.lookup('owner', set.metadata.uid ?? ''),
          ...pods.cache.lookup('owner', orphansOf(name.namespace ?? '')),
        ]
        const mine = await claim(set, selectorOf(set), candidates, {
          client,
          kind: ['v1', 'Pod'],
          freshOwner: () => client.get('apps/v1', 'ReplicaSet', name, { signal }),
          signal,
        })
        const active = mine.filter(isActive)
        const failure =
          set.metadata.deletionTimestamp === undefined && expectations.satisfied(key) ? await manage(set, key, active) : undefined

        const now = clock.now()
        const status = statusOf(set, mine, active, failure, now)
        if (!sameJson(status, set.status)) {
          await client.updateStatus('apps/v1', 'ReplicaSet', { ...set, status }, { signal })
        }
        if (failure) throw failure.error
        const wait = untilAvailable(active, set.spec.minReadySeconds ?? 0, now)
        return wait === undefined ? undefined : { requeueAfterMilliseconds: wait }
      },
    }

    /** Creates or deletes; answers what went wrong, so that the status can say it before the retry. */
    async function manage(set: ReplicaSet, key: string, active: readonly Pod[]): Promise<Failure | undefined> {
      const going = active.filter(({ metadata }) => doomed.get(key)?.has(metadata.uid ?? ''))
      const plan = planReplicas(
        set.spec.replicas ?? 1,
        active.filter((pod) => !going.includes(pod)),
      )
      try {
        await inGrowingBatches(plan.create, () => createOne(set, key))
      } catch (error) {
        // Nothing can be made in a namespace that goes, and nothing needs to be: no failure to tell or to repeat.
        if (isTerminatingNamespace(error)) return undefined
        return { reason: 'FailedCreate', error }
      }
      doomed.delete(key)
      const removals = [...going, ...plan.remove].map((pod) => deleteOne(set, key, pod))
      const failed = (await Promise.allSettled(removals)).find((result) => result.status === 'rejected')
      return failed && { reason: 'FailedDelete', error: failed.reason }
    }

    async function deleteOne(set: ReplicaSet, key: string, pod: Pod): Promise<void> {
      try {
        await deletePod(set, pod, tools)
        expectations.deleted(key, pod)
      } catch (error) {
        if (isUnanswered(error)) doomed.set(key, (doomed.get(key) ?? new Set()).add(pod.metadata.uid ?? ''))
        throw error
      }
    }

    async function createOne(set: ReplicaSet, key: string): Promise<void> {
      const names = unanswered.get(key) ?? []
      // What has shown up since is counted already.
      let name = names.shift()
      while (name !== undefined && pods.cache.get(`${set.metadata.namespace}/${name}`)) name = names.shift()
      if (names.length === 0) unanswered.delete(key)
      name ??= podName(set, random)
      try {
        expectations.written(key, await createPod(set, set.spec.template, name, tools))
      } catch (error) {
        if (isUnanswered(error)) unanswered.set(key, [...(unanswered.get(key) ?? []), name])
        throw error
      }
    }
  },
})

interface Failure {
  reason: 'FailedCreate' | 'FailedDelete'
  error: unknown
}

function selectorOf(set: ReplicaSet): LabelSelector {
  return labelSelectorFrom(set.spec.selector)
}

/** What was observed, never what was intended. */
function statusOf(
  set: ReplicaSet,
  all: readonly Pod[],
  active: readonly Pod[],
  failure: Failure | undefined,
  now: number,
): ReplicaSetStatus {
  const template = Object.entries(set.spec.template.metadata.labels ?? {})
  const labelled = active.filter((pod) => template.every(([label, value]) => pod.metadata.labels?.[label] === value)).length
  const ready = active.filter(isReady).length
  const available = active.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length
  const terminating = all.filter(
    (pod) => pod.metadata.deletionTimestamp !== undefined && pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed',
  ).length
  return {
    replicas: active.length,
    fullyLabeledReplicas: labelled || undefined,
    readyReplicas: ready || undefined,
    availableReplicas: available || undefined,
    terminatingReplicas: terminating || undefined,
    observedGeneration: set.metadata.generation,
    conditions: conditionsOf(set, failure, now),
  }
}

function conditionsOf(set: ReplicaSet, failure: Failure | undefined, now: number): ReplicaSetCondition[] | undefined {
  const others = (set.status.conditions ?? []).filter((condition) => condition.type !== 'ReplicaFailure')
  if (!failure) return others.length === 0 ? undefined : others
  // The first failure is told until it is over: each message names another pod, and a status that always changes wakes us at once.
  if (set.status.conditions && others.length < set.status.conditions.length) return set.status.conditions
  return [
    ...others,
    {
      type: 'ReplicaFailure',
      status: 'True',
      lastTransitionTime: timestamp(now),
      reason: failure.reason,
      message: messageOf(failure.error),
    },
  ]
}
