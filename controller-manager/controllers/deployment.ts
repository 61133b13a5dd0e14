import { defineController } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import { objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { Deployment, ReplicaSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { labelSelectorFrom } from '../../shared/selectors/label-selector.ts'
import { countsOf, deploymentStatus, isComplete, untilDeadline } from '../plans/deployment-status.ts'
import { newSetAnnotations, REVISION_ANNOTATION, surplusSets } from '../plans/revisions.ts'
import {
  boundsOf,
  byAge,
  DESIRED_REPLICAS_ANNOTATION,
  MAX_REPLICAS_ANNOTATION,
  newReplicas,
  oldReplicas,
  proportionalReplicas,
} from '../plans/rolling-update.ts'
import { claim, controllerOf, controllerReference, orphansOf, ownerLookup } from '../pods/claim.ts'
import { Expectations } from '../pods/expectations.ts'
import { sameTemplate, TEMPLATE_HASH_LABEL, templateHash } from '../pods/template-hash.ts'

/** Rolls a Deployment's template out over ReplicaSets, one for each template it has had. */
export default defineController({
  name: 'deployment',
  reconciles: ['apps/v1', 'Deployment'],
  workers: 5,
  create(tools) {
    const { informers, client, clock, signal, events } = tools
    const deployments = informers.of('apps/v1', 'Deployment')
    const sets = informers.of('apps/v1', 'ReplicaSet', {}, { owner: ownerLookup })
    const pods = informers.of('v1', 'Pod', {}, { owner: ownerLookup })
    /** Sets that were written and may not be in the cache as they are now: planning on what they were would be to plan twice. */
    const expectations = new Expectations(sets, clock)

    return {
      watch(enqueue) {
        sets.onChange((_key, current, previous) => {
          for (const set of [current, previous]) {
            const owner = set && controllerOf(set)
            if (owner?.kind === 'Deployment') enqueue(`${set?.metadata.namespace}/${owner.name}`)
          }
          if (current && !controllerOf(current)) {
            for (const deployment of deployments.cache.list(current.metadata.namespace)) {
              if (labelSelectorFrom(deployment.spec.selector).matches(current.metadata.labels))
                enqueue(`${current.metadata.namespace}/${deployment.metadata.name}`)
            }
          }
        })
        // A Recreate rollout waits for the last old pod to be gone.
        pods.onChange((_key, current, previous) => {
          if (current || !previous) return
          const set = sets.cache.get(`${previous.metadata.namespace}/${controllerOf(previous)?.name}`)
          const owner = set && controllerOf(set)
          if (owner?.kind === 'Deployment') enqueue(`${previous.metadata.namespace}/${owner.name}`)
        })
      },

      async reconcile(key, name) {
        const deployment = deployments.cache.get(key)
        if (!deployment) return expectations.forget(key)
        // The set's own event brings us back.
        if (!expectations.satisfied(key)) return
        const candidates = [
          ...sets.cache.lookup('owner', deployment.metadata.uid ?? ''),
          ...sets.cache.lookup('owner', orphansOf(name.namespace ?? '')),
        ]
        const owned = await claim(deployment, labelSelectorFrom(deployment.spec.selector), candidates, {
          client,
          kind: ['apps/v1', 'ReplicaSet'],
          freshOwner: () => client.get('apps/v1', 'Deployment', name, { signal }),
          signal,
        })
        const mine = owned.sort(byAge)
        const rollout = new Rollout(deployment, mine)
        if (deployment.metadata.deletionTimestamp === undefined) await step(rollout)
        return writeStatus(rollout)
      },
    }

    async function step(rollout: Rollout): Promise<void> {
      const { deployment } = rollout
      if (deployment.spec.paused) {
        if (rollout.newSet) await keepRevision(rollout)
        await scaleProportionally(rollout)
        return cleanUp(rollout)
      }
      if (rollout.isScaling()) {
        await keepRevision(rollout)
        return scaleProportionally(rollout)
      }
      if (deployment.spec.strategy.type === 'Recreate') await recreate(rollout)
      else await roll(rollout)
      if (isComplete(deployment, countsOf(deployment, rollout.sets, rollout.newSet))) await cleanUp(rollout)
    }

    /** One step of a rolling update: grow the new, then shrink the old; the sets' own status brings us back for the next. */
    async function roll(rollout: Rollout): Promise<void> {
      const newSet = await ensureNewSet(rollout, (draft) => newReplicas(rollout.deployment, draft, [...rollout.olds, draft]))
      const wanted = newReplicas(rollout.deployment, newSet, rollout.sets)
      if (await scale(rollout, newSet, wanted)) return
      for (const [uid, replicas] of oldReplicas(rollout.deployment, newSet, rollout.olds.filter(hasReplicas))) {
        const set = rollout.olds.find((each) => each.metadata.uid === uid)
        if (set) await scale(rollout, set, replicas)
      }
    }

    /** All old pods end before the first new one starts. */
    async function recreate(rollout: Rollout): Promise<void> {
      let shrunk = false
      for (const set of rollout.olds.filter(hasReplicas)) shrunk = (await scale(rollout, set, 0)) || shrunk
      if (
        shrunk ||
        rollout.olds.some((set) => podsOf(set).some((pod) => pod.status.phase !== 'Succeeded' && pod.status.phase !== 'Failed'))
      )
        return
      const wanted = rollout.deployment.spec.replicas ?? 1
      const newSet = await ensureNewSet(rollout, () => wanted)
      await scale(rollout, newSet, wanted)
    }

    async function scaleProportionally(rollout: Rollout): Promise<void> {
      const { deployment, newSet } = rollout
      const active = rollout.sets.filter(hasReplicas)
      const wanted = deployment.spec.replicas ?? 1
      const only = active.length === 0 ? (newSet ?? rollout.sets.at(-1)) : active.length === 1 ? active[0] : undefined
      if (only) {
        await scale(rollout, only, wanted)
        return
      }
      if (newSet && (newSet.status.availableReplicas ?? 0) === wanted && (newSet.spec.replicas ?? 1) === wanted) {
        for (const set of rollout.olds.filter(hasReplicas)) await scale(rollout, set, 0)
        return
      }
      if (deployment.spec.strategy.type === 'Recreate') return
      for (const [uid, replicas] of proportionalReplicas(deployment, rollout.sets)) {
        const set = rollout.sets.find((each) => each.metadata.uid === uid)
        if (set) await scale(rollout, set, replicas)
      }
    }

    async function keepRevision(rollout: Rollout): Promise<void> {
      const { newSet } = rollout
      if (newSet) await adjust(rollout, newSet, newSet.spec.replicas ?? 1, newSetAnnotations(rollout.deployment, newSet, rollout.olds))
    }

    /** The set of the present template, made when it does not exist; the Deployment's own revision annotation follows it. */
    async function ensureNewSet(rollout: Rollout, replicasOf: (draft: ReplicaSet) => number): Promise<ReplicaSet> {
      const { deployment } = rollout
      const annotations = newSetAnnotations(deployment, rollout.newSet, rollout.olds)
      if (rollout.newSet) {
        await adjust(rollout, rollout.newSet, rollout.newSet.spec.replicas ?? 1, annotations)
      } else {
        rollout.add(await createSet(rollout, annotations, replicasOf))
        rollout.madeNewSet = true
      }
      const revision = annotations[REVISION_ANNOTATION] ?? '1'
      if (deployment.metadata.annotations?.[REVISION_ANNOTATION] !== revision) {
        const metadata = { ...deployment.metadata, annotations: { ...deployment.metadata.annotations, [REVISION_ANNOTATION]: revision } }
        // Nothing but the annotation and the resourceVersion is new: the status is written on top of it.
        rollout.deployment = await client.update('apps/v1', 'Deployment', { ...deployment, metadata }, { signal })
      }
      if (!rollout.newSet) throw new Error('the new ReplicaSet was made and is not there')
      return rollout.newSet
    }

    async function createSet(
      rollout: Rollout,
      annotations: Record<string, string>,
      replicasOf: (draft: ReplicaSet) => number,
    ): Promise<ReplicaSet> {
      const { deployment } = rollout
      const hash = templateHash(deployment.spec.template, deployment.status.collisionCount ?? 0)
      const labels = { ...deployment.spec.template.metadata.labels, [TEMPLATE_HASH_LABEL]: hash }
      const draft: ReplicaSet = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name: `${deployment.metadata.name}-${hash}`,
          namespace: deployment.metadata.namespace,
          labels,
          annotations: { ...annotations, ...sizeAnnotations(deployment) },
          ownerReferences: [controllerReference(deployment)],
        },
        spec: {
          replicas: 0,
          minReadySeconds: deployment.spec.minReadySeconds,
          selector: { ...deployment.spec.selector, matchLabels: { ...deployment.spec.selector.matchLabels, [TEMPLATE_HASH_LABEL]: hash } },
          template: { ...deployment.spec.template, metadata: { ...deployment.spec.template.metadata, labels } },
        },
        status: { replicas: 0 },
      }
      draft.spec.replicas = replicasOf(draft)
      try {
        const set = await client.create('apps/v1', 'ReplicaSet', draft, { namespace: deployment.metadata.namespace, signal })
        expectations.written(objectKey(deployment), set)
        if (draft.spec.replicas > 0) {
          events.record(
            deployment,
            'Normal',
            'ScalingReplicaSet',
            `Scaled up replica set ${set.metadata.name} from 0 to ${draft.spec.replicas}`,
          )
        }
        return set
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error
        return resolveCollision(deployment, draft, error)
      }
    }

    /** Our own set that the cache does not show yet is taken; a stranger of that name makes us choose another name. */
    async function resolveCollision(deployment: Deployment, draft: ReplicaSet, cause: unknown): Promise<ReplicaSet> {
      const { namespace, name = '' } = draft.metadata
      const found = await client.get('apps/v1', 'ReplicaSet', { namespace, name }, { signal })
      if (controllerOf(found)?.uid === deployment.metadata.uid && sameTemplate(found.spec.template, deployment.spec.template)) return found
      const status = { ...deployment.status, collisionCount: (deployment.status.collisionCount ?? 0) + 1 }
      await client.updateStatus('apps/v1', 'Deployment', { ...deployment, status }, { signal })
      throw new Error(`the ReplicaSet name ${name} is taken; another is tried`, { cause })
    }

    async function scale(rollout: Rollout, set: ReplicaSet, replicas: number): Promise<boolean> {
      return adjust(rollout, set, replicas, { ...set.metadata.annotations, ...sizeAnnotations(rollout.deployment) })
    }

    /**
     * Writes size and annotations when they differ; the stored revision is the precondition. Answers whether the size changed. Only
     * `scale` stamps the sizes that a proportional share starts from: a set that is only given its revision keeps the ones it was sized by.
     */
    async function adjust(rollout: Rollout, set: ReplicaSet, replicas: number, annotations: Record<string, string>): Promise<boolean> {
      const { deployment } = rollout
      const before = set.spec.replicas ?? 1
      const minReadySeconds = deployment.spec.minReadySeconds
      if (
        before === replicas &&
        sameJson(annotations, set.metadata.annotations ?? {}) &&
        (set.spec.minReadySeconds ?? 0) === (minReadySeconds ?? 0)
      )
        return false
      const next = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas, minReadySeconds } }
      const written = await client.update('apps/v1', 'ReplicaSet', next, { signal })
      expectations.written(objectKey(deployment), written)
      rollout.add(written)
      if (before === replicas) return false
      const direction = replicas > before ? 'up' : 'down'
      events.record(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`,
      )
      return true
    }

    async function cleanUp(rollout: Rollout): Promise<void> {
      for (const set of surplusSets(rollout.deployment, rollout.olds)) {
        const { namespace, name = '', uid } = set.metadata
        await client.delete(
          'apps/v1',
          'ReplicaSet',
          { namespace, name },
          { preconditions: { uid }, propagationPolicy: 'Background', signal },
        )
      }
    }

    async function writeStatus(rollout: Rollout) {
      const { deployment } = rollout
      const now = clock.now()
      const status = deploymentStatus(deployment, rollout.sets, rollout.newSet, now, rollout.madeNewSet)
      if (!sameJson(status, deployment.status)) await client.updateStatus('apps/v1', 'Deployment', { ...deployment, status }, { signal })
      const wait = untilDeadline({ ...deployment, status }, now)
      return wait === undefined || wait <= 0 ? undefined : { requeueAfterMilliseconds: wait + 1 }
    }

    function podsOf(set: ReplicaSet): Pod[] {
      return pods.cache.lookup('owner', set.metadata.uid ?? '')
    }
  },
})

/** A Deployment and its sets during one reconcile; sets written meanwhile replace what the cache said. */
class Rollout {
  deployment: Deployment
  sets: ReplicaSet[]
  madeNewSet = false

  constructor(deployment: Deployment, sets: ReplicaSet[]) {
    this.deployment = deployment
    this.sets = sets
  }

  /** The oldest set of the present template: upstream's choice when there are several. */
  get newSet(): ReplicaSet | undefined {
    return this.sets.find((set) => sameTemplate(set.spec.template, this.deployment.spec.template))
  }

  get olds(): ReplicaSet[] {
    const { newSet } = this
    return this.sets.filter((set) => set !== newSet)
  }

  add(set: ReplicaSet): void {
    this.sets = [...this.sets.filter((each) => each.metadata.uid !== set.metadata.uid), set].sort(byAge)
  }

  /** Somebody changed `spec.replicas` since the sets were last sized. */
  isScaling(): boolean {
    return this.sets.filter(hasReplicas).some((set) => {
      const desired = set.metadata.annotations?.[DESIRED_REPLICAS_ANNOTATION]
      return desired !== undefined && Number(desired) !== (this.deployment.spec.replicas ?? 1)
    })
  }
}

function hasReplicas(set: ReplicaSet): boolean {
  return (set.spec.replicas ?? 1) > 0
}

function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const wanted = deployment.spec.replicas ?? 1
  return { [DESIRED_REPLICAS_ANNOTATION]: String(wanted), [MAX_REPLICAS_ANNOTATION]: String(wanted + boundsOf(deployment).surge) }
}
