import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import { objectKey } from '../../shared/objects/object.ts'
import type { StatefulSet } from '../../shared/openapi/generated/apps-v1.ts'
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import { claimsFor, correctedOwners, isStale } from '../plans/stateful-claims.ts'
import { identityLabels, podNameOf, statefulTemplate } from '../plans/stateful-identity.ts'
import { controllerOf, controllerReference } from './claim.ts'
import { Expectations } from './expectations.ts'
import { isTerminatingNamespace, isUnanswered, messageOf } from './pod-control.ts'

/** A template and the name of the revision that it is. */
export interface NamedTemplate {
  readonly revision: string
  readonly template: PodTemplateSpec
}

/** Acts on the pods of StatefulSets and on their claims. A pod's name is its place in the row, so that no place is ever taken twice. */
export class StatefulPods {
  readonly #claims: Informer<PersistentVolumeClaim>
  readonly #tools: ControllerTools
  readonly #expectations: Expectations
  /** By set: uids of pods whose deletion was not answered. Until the cache shows that they go, they count as going. */
  readonly #leaving = new Map<string, Set<string>>()

  constructor(pods: Informer<Pod>, claims: Informer<PersistentVolumeClaim>, tools: ControllerTools) {
    this.#claims = claims
    this.#tools = tools
    this.#expectations = new Expectations(pods, tools.clock)
  }

  isCaughtUp(key: string): boolean {
    return this.#expectations.satisfied(key)
  }

  isLeaving(key: string, { metadata }: Pod): boolean {
    return this.#leaving.get(key)?.has(metadata.uid ?? '') ?? false
  }

  forget(key: string): void {
    this.#expectations.forget(key)
    this.#leaving.delete(key)
  }

  /** Whether a claim of this place still goes with the last pod that was here, so that another has to wait. */
  mustWait(set: StatefulSet, ordinal: number): boolean {
    return this.#claimsOf(set, ordinal).some(({ known }) => known !== undefined && isStale(known, set, ordinal))
  }

  /** Makes the pod of a place, and before it what claims it lacks. */
  async create(set: StatefulSet, ordinal: number, { revision, template }: NamedTemplate): Promise<void> {
    const { client, signal } = this.#tools
    const { namespace } = set.metadata
    const name = podNameOf(set, ordinal)
    const { metadata, spec } = statefulTemplate(set, template, revision, ordinal)
    const body = {
      metadata: {
        ...{ name, generateName: `${set.metadata.name}-`, labels: metadata.labels, annotations: { ...metadata.annotations } },
        ...{ finalizers: [...(metadata.finalizers ?? [])], ownerReferences: [controllerReference(set)] },
      },
      spec,
    }
    try {
      await this.#createClaims(set, ordinal)
      const pod = await client.create('v1', 'Pod', body, { namespace, signal })
      this.#expectations.written(objectKey(set), pod)
      this.#tell(set, 'create', `Pod ${name} in StatefulSet ${set.metadata.name}`, 'successful')
    } catch (error) {
      if (isTerminatingNamespace(error)) return
      if (hasReason(error, 'AlreadyExists')) {
        const found = await client.get('v1', 'Pod', { namespace, name }, { signal })
        // The answer was lost, or the cache is behind.
        if (controllerOf(found)?.uid === set.metadata.uid) return this.#expectations.written(objectKey(set), found)
      }
      this.#tell(set, 'create', `Pod ${name} in StatefulSet ${set.metadata.name}`, error)
      throw error
    }
  }

  /** Gives a pod the marks of its place where somebody took them, makes claims that it waits for, and gives claims their owners. */
  async tend(set: StatefulSet, ordinal: number, pod: Pod): Promise<void> {
    const { client, signal } = this.#tools
    const { namespace, name = '', uid } = pod.metadata
    const labels = identityLabels(set, ordinal)
    if (pod.status.phase === 'Pending') await this.#createClaims(set, ordinal)
    if (Object.entries(labels).some(([label, value]) => pod.metadata.labels?.[label] !== value)) {
      await client.patch('v1', 'Pod', { namespace, name }, { type: 'merge', body: { metadata: { uid, labels } } }, { signal })
    }
    for (const { known } of this.#claimsOf(set, ordinal)) {
      const ownerReferences = known && known.metadata.deletionTimestamp === undefined && correctedOwners(known, set, ordinal, pod)
      if (!known || !ownerReferences) continue
      const metadata = { ...known.metadata, ownerReferences }
      await client.update('v1', 'PersistentVolumeClaim', { ...known, metadata }, { signal })
    }
  }

  async delete(set: StatefulSet, pod: Pod): Promise<void> {
    const { client, signal } = this.#tools
    const key = objectKey(set)
    const { namespace, name = '', uid } = pod.metadata
    const what = `Pod ${name} in StatefulSet ${set.metadata.name}`
    const leaving = this.#leaving.get(key) ?? new Set<string>()
    try {
      await client.delete('v1', 'Pod', { namespace, name }, { preconditions: { uid }, signal })
      this.#expectations.deleted(key, pod)
      leaving.delete(uid ?? '')
    } catch (error) {
      if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) return
      if (isUnanswered(error)) this.#leaving.set(key, leaving.add(uid ?? ''))
      this.#tell(set, 'delete', what, error)
      throw error
    }
    this.#tell(set, 'delete', what, 'successful')
  }

  #claimsOf(set: StatefulSet, ordinal: number) {
    return claimsFor(set, ordinal).map((draft) => ({
      draft,
      known: this.#claims.cache.get(`${draft.metadata.namespace}/${draft.metadata.name}`),
    }))
  }

  async #createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    const { client, signal } = this.#tools
    for (const { draft, known } of this.#claimsOf(set, ordinal)) {
      const { name, namespace } = draft.metadata
      if (known?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`)
      if (known) continue
      const what = `Claim ${name} Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name}`
      try {
        await client.create('v1', 'PersistentVolumeClaim', draft, { namespace, signal })
      } catch (error) {
        // What is there is used, whoever made it: that is how data is brought along.
        if (hasReason(error, 'AlreadyExists')) continue
        if (!isTerminatingNamespace(error)) this.#tell(set, 'create', what, error)
        throw error
      }
      this.#tell(set, 'create', what, 'success')
    }
  }

  #tell(set: StatefulSet, verb: 'create' | 'delete', what: string, result: unknown): void {
    const { events } = this.#tools
    const reason = verb === 'create' ? 'Create' : 'Delete'
    if (typeof result === 'string') events.record(set, 'Normal', `Successful${reason}`, `${verb} ${what} ${result}`)
    else events.record(set, 'Warning', `Failed${reason}`, `${verb} ${what} failed error: ${messageOf(result)}`)
  }
}
