import { type ControllerTools, defineController } from '../../shared/controller/define-controller.ts'
import { objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { StatefulSet, StatefulSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { BURST } from '../plans/replicas.ts'
import { rememberedTemplate, surplusRevisions } from '../plans/revision-history.ts'
import { ordinalOf, startOf } from '../plans/stateful-identity.ts'
import { isHeldBack, planStatefulPods, revisionOf, type StatefulPlan } from '../plans/stateful-pods.ts'
import { statefulStatus } from '../plans/stateful-status.ts'
import { claim, orphansOf, ownerLookup } from '../pods/claim.ts'
import { enqueueOwners } from '../pods/enqueue-owners.ts'
import { inGrowingBatches } from '../pods/pod-control.ts'
import { untilAvailable } from '../pods/pod-facts.ts'
import { type NamedTemplate, StatefulPods } from '../pods/stateful-pods.ts'
import { type PresentRevision, RevisionHistory } from '../revisions/revision-history.ts'

/** Carries on each revision its short name; pods carry the revision's whole name. */
const HASH_LABEL = 'controller.kubernetes.io/hash'
/** How soon a place is looked at again whose claims still go with its last pod. */
const STALE_CLAIM_MILLISECONDS = 1_000

/** Keeps a StatefulSet's numbered pods, each with its name and its claims, and changes them in order. */
export default defineController({
  name: 'statefulset',
  reconciles: ['apps/v1', 'StatefulSet'],
  workers: 5,
  create(tools: ControllerTools) {
    const { informers, client, clock, signal } = tools
    const sets = informers.of('apps/v1', 'StatefulSet')
    const pods = informers.of('v1', 'Pod', {}, { owner: ownerLookup })
    const claims = informers.of('v1', 'PersistentVolumeClaim')
    const history = new RevisionHistory(tools, HASH_LABEL)
    const stateful = new StatefulPods(pods, claims, tools)

    return {
      watch(enqueue) {
        history.watch('StatefulSet', enqueue)
        pods.onChange((_key, current, previous) => {
          enqueueOwners([current, previous], 'StatefulSet', enqueue, (orphan) =>
            sets.cache.list(orphan.metadata.namespace).filter((set) => isForeseen(set, orphan)),
          )
        })
      },

      async reconcile(key, name) {
        const set = sets.cache.get(key)
        if (!set) {
          history.forget(key)
          return stateful.forget(key)
        }
        if (!history.isCaughtUp(key)) return
        const selector = labelSelectorFrom(set.spec.selector)
        const freshOwner = () => client.get('apps/v1', 'StatefulSet', name, { signal })
        const candidates = [
          ...pods.cache.lookup('owner', set.metadata.uid ?? ''),
          ...pods.cache.lookup('owner', orphansOf(name.namespace ?? '')).filter((pod) => ordinalOf(set, pod) !== undefined),
        ]
        const mine = await claim(set, selector, candidates, { client, kind: ['v1', 'Pod'], freshOwner, signal })
        // One that goes is not given revisions any more; what it has tells enough.
        if (set.metadata.deletionTimestamp !== undefined) return writeStatus(set, mine, undefined)
        const revisions = await history.present(set, selector, freshOwner, set.status.collisionCount)
        let failure: { error: unknown } | undefined
        let isWaiting = false
        if (stateful.isCaughtUp(key)) {
          try {
            isWaiting = await step(set, mine, revisions)
            await cleanUp(set, mine, revisions)
          } catch (error) {
            // The status still tells what there is.
            failure = { error }
          }
        }
        await writeStatus(set, mine, revisions)
        if (failure) throw failure.error
        if (isWaiting) return { requeueAfterMilliseconds: STALE_CLAIM_MILLISECONDS }
        const wait = untilAvailable(mine, set.spec.minReadySeconds ?? 0, clock.now())
        return wait === undefined ? undefined : { requeueAfterMilliseconds: wait }
      },
    }

    /** Answers whether a pod could not be made yet. */
    async function step(set: StatefulSet, mine: readonly Pod[], revisions: PresentRevision): Promise<boolean> {
      const key = objectKey(set)
      const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined || stateful.isLeaving(key, pod)
      const updateRevision = nameOf(revisions.current)
      const plan: StatefulPlan = planStatefulPods(mine, { set, updateRevision, isGoing, now: clock.now() })
      const ready = plan.create.filter((ordinal) => !stateful.mustWait(set, ordinal)).slice(0, BURST)
      const left = [...ready]
      await inGrowingBatches(ready.length, async () => {
        const ordinal = left.shift() ?? 0
        await stateful.create(set, ordinal, templateFor(set, ordinal, revisions))
      })
      for (const { ordinal, pod } of plan.tend) if (!isGoing(pod)) await stateful.tend(set, ordinal, pod)
      const results = await Promise.allSettled(plan.remove.slice(0, BURST).map((pod) => stateful.delete(set, pod)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
      return ready.length < plan.create.length
    }

    function templateFor(set: StatefulSet, ordinal: number, revisions: PresentRevision): NamedTemplate {
      const former = isHeldBack(set, ordinal - startOf(set)) ? formerRevision(set, revisions) : undefined
      return former
        ? { revision: nameOf(former), template: rememberedTemplate(former) }
        : { revision: nameOf(revisions.current), template: set.spec.template }
    }

    async function cleanUp(set: StatefulSet, mine: readonly Pod[], revisions: PresentRevision): Promise<void> {
      const live = new Set([...mine.map(revisionOf), set.status.currentRevision, nameOf(revisions.current)])
      const { duplicates, olds } = revisions.history
      const isLive = (revision: { metadata: { name?: string | undefined } }) => live.has(revision.metadata.name)
      await history.delete(surplusRevisions([...duplicates, ...olds], set.spec.revisionHistoryLimit ?? 10, isLive))
    }

    async function writeStatus(set: StatefulSet, mine: readonly Pod[], revisions: PresentRevision | undefined): Promise<void> {
      const update = revisions ? nameOf(revisions.current) : (set.status.updateRevision ?? '')
      const former = revisions ? formerRevision(set, revisions) : undefined
      const current = revisions ? (former ? nameOf(former) : update) : (set.status.currentRevision ?? '')
      const observed = statefulStatus(set, mine, { current, update }, clock.now())
      const collisionCount = revisions?.collisionCount ?? set.status.collisionCount ?? 0
      const status: StatefulSetStatus = { ...observed, collisionCount, conditions: set.status.conditions }
      if (!sameJson(status, set.status)) await client.updateStatus('apps/v1', 'StatefulSet', { ...set, status }, { signal })
    }
  },
})

/** The revision that the set comes from; undefined when it is none but the present one. */
function formerRevision({ status }: StatefulSet, { history }: PresentRevision) {
  return [...history.duplicates, ...history.olds].find(({ metadata }) => metadata.name === status.currentRevision)
}

function isForeseen(set: StatefulSet, pod: Pod): boolean {
  return ordinalOf(set, pod) !== undefined && labelSelectorFrom(set.spec.selector).matches(pod.metadata.labels)
}

function nameOf({ metadata }: { metadata: { name?: string | undefined } }): string {
  return metadata.name ?? ''
}
