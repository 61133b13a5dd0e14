import type { Controller, ControllerTools } from '../../shared/controller/define-controller.ts'
import { TerminalError } from '../../shared/errors/terminal-error.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { planReplicas } from '../plans/replicas.ts'
import { claim, orphansOf, ownerLookup } from '../pods/claim.ts'
import { enqueueOwners } from '../pods/enqueue-owners.ts'
import { Expectations } from '../pods/expectations.ts'
import { createPod, deletePod, inGrowingBatches, isTerminatingNamespace, isUnanswered, podName } from '../pods/pod-control.ts'
import { isActive, untilAvailable } from '../pods/pod-facts.ts'
import type { ReplicaKind, ReplicaOwner } from './replica-kind.ts'
import { type ReplicaFailure, replicaStatus } from './replica-status.ts'

/** Counts that are still on their way are written so often at most: hundreds of pods that come up make a few statuses, not hundreds. What is reached is written at once. */
const PACE_MILLISECONDS = 100

/** Only counts are other than what was written last, and not all pods that are asked for are there and available. */
function isUnderWay({ spec, status: written }: ReplicaOwner, status: ReplicaOwner['status']): boolean {
  const { replicas, readyReplicas = 0, availableReplicas = 0 } = status
  const isReached = replicas === (spec.replicas ?? 1) && readyReplicas === replicas && availableReplicas === replicas
  return !isReached && status.observedGeneration === written.observedGeneration && sameJson(status.conditions, written.conditions)
}

/** Keeps as many pods of each owner of one kind as it asks for. */
export function replicaController<T extends ReplicaOwner>(of: ReplicaKind<T>, tools: ControllerTools): Controller {
  const { informers, client, clock, random, signal } = tools
  const owners = of.informer(informers, { namespace: (owner) => owner.metadata.namespace })
  const pods = informers.of('v1', 'Pod', {}, { owner: ownerLookup })
  const expectations = new Expectations(pods, clock)
  /** Names of pods whose creation was not answered, by owner: they are tried first, so that none is made twice. */
  const unanswered = new Map<string, string[]>()
  /** Uids of pods whose deletion was not answered, by owner: until it is, they count as gone, so that no other pod goes in their place. */
  const doomed = new Map<string, Set<string>>()
  /** When the status of each owner was written last. */
  const writtenAt = new Map<string, number>()

  return {
    watch(enqueue) {
      pods.onChange((_key, current, previous) => {
        enqueueOwners([current, previous], of.kind, enqueue, ({ metadata }) =>
          owners.cache.lookup('namespace', metadata.namespace ?? '').filter((owner) => of.selectorOf(owner).matches(metadata.labels)),
        )
      })
    },

    async reconcile(key, name) {
      const owner = owners.cache.get(key)
      if (!owner) {
        expectations.forget(key)
        unanswered.delete(key)
        doomed.delete(key)
        writtenAt.delete(key)
        return
      }
      const candidates = [
        ...pods.cache.lookup('owner', owner.metadata.uid ?? ''),
        ...pods.cache.lookup('owner', orphansOf(name.namespace ?? '')),
      ]
      const mine = await claim(owner, of.selectorOf(owner), candidates, {
        client,
        kind: ['v1', 'Pod'],
        freshOwner: () => of.fresh(client, name, { signal }),
        signal,
      })
      const active = mine.filter(isActive)
      const failure =
        owner.metadata.deletionTimestamp === undefined && expectations.satisfied(key) ? await manage(owner, key, active) : undefined

      const now = clock.now()
      const observed = replicaStatus(owner, mine, failure, now)
      const status = of.countsTerminating ? observed : { ...observed, terminatingReplicas: undefined }
      if (!sameJson(status, owner.status)) {
        const rest = (writtenAt.get(key) ?? Number.NEGATIVE_INFINITY) + PACE_MILLISECONDS - clock.monotonic()
        if (rest > 0 && !failure && isUnderWay(owner, status)) return { requeueAfterMilliseconds: rest }
        await of.writeStatus(client, owner, status, { signal })
        writtenAt.set(key, clock.monotonic())
      }
      if (failure) throw failure.error
      const wait = untilAvailable(active, owner.spec.minReadySeconds ?? 0, now)
      return wait === undefined ? undefined : { requeueAfterMilliseconds: wait }
    },
  }

  /** Creates or deletes; answers what went wrong, so that the status can say it before the retry. */
  async function manage(owner: T, key: string, active: readonly Pod[]): Promise<ReplicaFailure | undefined> {
    const going = active.filter(({ metadata }) => doomed.get(key)?.has(metadata.uid ?? ''))
    const plan = planReplicas(
      owner.spec.replicas ?? 1,
      active.filter((pod) => !going.includes(pod)),
    )
    try {
      await inGrowingBatches(plan.create, () => createOne(owner, key))
    } catch (error) {
      // Nothing can be made in a namespace that goes, and nothing needs to be: no failure to tell or to repeat.
      if (isTerminatingNamespace(error)) return undefined
      return { reason: 'FailedCreate', error }
    }
    doomed.delete(key)
    const removals = [...going, ...plan.remove].map((pod) => deleteOne(owner, key, pod))
    const failed = (await Promise.allSettled(removals)).find((result) => result.status === 'rejected')
    return failed && { reason: 'FailedDelete', error: failed.reason }
  }

  async function deleteOne(owner: T, key: string, pod: Pod): Promise<void> {
    try {
      await deletePod(owner, pod, tools)
      expectations.deleted(key, pod)
    } catch (error) {
      if (isUnanswered(error)) doomed.set(key, (doomed.get(key) ?? new Set()).add(pod.metadata.uid ?? ''))
      throw error
    }
  }

  async function createOne(owner: T, key: string): Promise<void> {
    const { template } = owner.spec
    if (!template) throw new TerminalError(`${of.kind} ${key} has no pod template`)
    const names = unanswered.get(key) ?? []
    // What has shown up since is counted already.
    let name = names.shift()
    while (name !== undefined && pods.cache.get(`${owner.metadata.namespace}/${name}`)) name = names.shift()
    if (names.length === 0) unanswered.delete(key)
    name ??= podName(owner, random)
    try {
      expectations.written(key, await createPod(owner, template, name, tools))
    } catch (error) {
      if (isUnanswered(error)) unanswered.set(key, [...(unanswered.get(key) ?? []), name])
      throw error
    }
  }
}
