import { type ControllerTools, defineController } from '../../shared/controller/define-controller.ts'
import { objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from '../../shared/openapi/generated/apps-v1.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { nodeOf, placeOn } from '../plans/daemon-nodes.ts'
import { type DaemonFacts, type DaemonNode, type DaemonPlan, planDaemonPods, planDaemonUpdate } from '../plans/daemon-pods.ts'
import { daemonStatus } from '../plans/daemon-status.ts'
import { BURST } from '../plans/replicas.ts'
import { surplusRevisions } from '../plans/revision-history.ts'
import { claim, orphansOf, ownerLookup } from '../pods/claim.ts'
import { DaemonPods } from '../pods/daemon-pods.ts'
import { enqueueOwners } from '../pods/enqueue-owners.ts'
import { untilAvailable } from '../pods/pod-facts.ts'
import { REVISION_LABEL } from '../pods/revision-label.ts'
import { RevisionHistory } from '../revisions/revision-history.ts'

/** Keeps one pod of a DaemonSet on each node that should have one, and rolls new templates out over them. */
export default defineController({
  name: 'daemonset',
  serviceAccount: 'daemon-set-controller',
  reconciles: ['apps/v1', 'DaemonSet'],
  workers: 2,
  create(tools: ControllerTools) {
    const { informers, client, clock, signal } = tools
    const sets = informers.of('apps/v1', 'DaemonSet')
    const pods = informers.of('v1', 'Pod', {}, { owner: ownerLookup })
    const nodes = informers.of('v1', 'Node')
    const history = new RevisionHistory(tools, REVISION_LABEL)
    const daemons = new DaemonPods(pods, tools)

    return {
      watch(enqueue) {
        history.watch('DaemonSet', enqueue)
        pods.onChange((_key, current, previous) => {
          enqueueOwners([current, previous], 'DaemonSet', enqueue, ({ metadata }) =>
            sets.cache.list(metadata.namespace).filter(({ spec }) => labelSelectorFrom(spec.selector).matches(metadata.labels)),
          )
        })
        nodes.onChange((_name, current, previous) => {
          if (current && previous && sameFacts(current, previous)) return
          for (const set of sets.cache.list()) {
            const before = previous && placeOn(previous, set.spec.template.spec)
            const after = current && placeOn(current, set.spec.template.spec)
            if (!sameJson(before, after)) enqueue(objectKey(set))
          }
        })
      },

      async reconcile(key, name) {
        const set = sets.cache.get(key)
        if (!set) {
          history.forget(key)
          return daemons.forget(key)
        }
        // Nobody knows whether its revisions or its pods go first: neither tells anything any more.
        if (set.metadata.deletionTimestamp !== undefined || !history.isCaughtUp(key)) return
        const selector = labelSelectorFrom(set.spec.selector)
        const freshOwner = () => client.get('apps/v1', 'DaemonSet', name, { signal })
        const candidates = [
          ...pods.cache.lookup('owner', set.metadata.uid ?? ''),
          ...pods.cache.lookup('owner', orphansOf(name.namespace ?? '')),
        ]
        const mine = await claim(set, selector, candidates, { client, kind: ['v1', 'Pod'], freshOwner, signal })
        const revisions = await history.present(set, selector, freshOwner, set.status.collisionCount)
        const { current, history: known } = revisions
        const hashes = new Set([current, ...known.duplicates].map((revision) => history.hashOf(revision)))
        const leaving = daemons.leaving(key, mine)
        const now = clock.now()
        const facts: DaemonFacts = {
          ...{ strategy: set.spec.updateStrategy, minReadySeconds: set.spec.minReadySeconds ?? 0, now },
          isNew: (pod) => hashes.has(pod.metadata.labels?.[REVISION_LABEL] ?? ''),
          isLeaving: ({ metadata }) => leaving.has(metadata.uid ?? ''),
          pauseOf: (node) => daemons.pauseOf(set, node),
        }
        const places = byNode(set, nodes.cache.list(), mine)
        const isActing = daemons.isCaughtUp(key)
        let failure: { error: unknown } | undefined
        let retryAfter: number | undefined
        if (isActing) {
          try {
            retryAfter = await step(set, places, facts, history.hashOf(current))
            await cleanUp(set, [...known.duplicates, ...known.olds], mine)
          } catch (error) {
            // The status still tells what there is.
            failure = { error }
          }
        }
        const { collisionCount } = revisions
        await writeStatus(set, { ...daemonStatus(places, facts), collisionCount, conditions: set.status.conditions }, isActing)
        if (failure) throw failure.error
        const waits = [retryAfter, untilAvailable(mine, facts.minReadySeconds, now)].filter((wait) => wait !== undefined)
        return waits.length === 0 ? undefined : { requeueAfterMilliseconds: Math.min(...waits) }
      },
    }

    /** Pods for nodes without one first; only a step that found nothing to do there is followed by one of the update. */
    async function step(set: DaemonSet, places: readonly DaemonNode[], facts: DaemonFacts, hash: string): Promise<number | undefined> {
      const plan = planDaemonPods(places, facts)
      await daemons.tellEnded(set, plan.ended)
      await carryOut(set, plan, hash)
      if (daemons.isCaughtUp(objectKey(set))) await carryOut(set, planDaemonUpdate(places, facts), hash)
      return plan.retryAfter
    }

    async function carryOut(set: DaemonSet, { create, remove }: Pick<DaemonPlan, 'create' | 'remove'>, hash: string): Promise<void> {
      await daemons.create(set, create.slice(0, BURST), hash)
      await daemons.delete(set, remove.slice(0, BURST))
    }

    /** A revision that was made twice has pods of its own, perhaps: it goes with them. */
    async function cleanUp(set: DaemonSet, olds: readonly ControllerRevision[], mine: readonly Pod[]): Promise<void> {
      const live = new Set(mine.map(({ metadata }) => metadata.labels?.[REVISION_LABEL]))
      const isLive = (revision: ControllerRevision) => live.has(history.hashOf(revision))
      await history.delete(surplusRevisions(olds, set.spec.revisionHistoryLimit ?? 10, isLive))
    }

    async function writeStatus(set: DaemonSet, observed: DaemonSetStatus, isActing: boolean): Promise<void> {
      // A generation that nobody acted on yet was not observed.
      const observedGeneration = isActing ? set.metadata.generation : set.status.observedGeneration
      const status = { ...observed, observedGeneration }
      if (!sameJson(status, set.status)) await client.updateStatus('apps/v1', 'DaemonSet', { ...set, status }, { signal })
    }
  },
})

/** The facts of a node that decide about daemons; heartbeats change none of them. */
function sameFacts(current: Node, previous: Node): boolean {
  return sameJson(current.metadata.labels, previous.metadata.labels) && sameJson(current.spec.taints, previous.spec.taints)
}

/** Every node, and every other that pods are meant for, with its pods, by name. Finished ones that are going have given up their place. */
function byNode({ spec }: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): DaemonNode[] {
  const podsOn = new Map<string, Pod[]>()
  for (const pod of pods) {
    const node = nodeOf(pod)
    const isOver = pod.metadata.deletionTimestamp !== undefined && (pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded')
    if (node !== undefined && !isOver) podsOn.set(node, [...(podsOn.get(node) ?? []), pod])
  }
  const places = new Map(nodes.map((node) => [node.metadata.name ?? '', placeOn(node, spec.template.spec)]))
  const names = [...new Set([...places.keys(), ...podsOn.keys()])].sort()
  return names.map((name) => ({ name, place: places.get(name), pods: podsOn.get(name) ?? [] }))
}
