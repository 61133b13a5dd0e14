import type { ControllerTools } from '../../shared/controller/define-controller.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Informer } from '../../shared/informer/informer.ts'
import { type KubeObject, objectKey } from '../../shared/objects/object.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { ControllerRevision } from '../../shared/openapi/generated/apps-v1.ts'
import type { PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'
import type { LabelSelector } from '../../shared/selectors/label-selector.ts'
import { type History, planHistory, templatePatch } from '../plans/revision-history.ts'
import { claim, controllerOf, controllerReference, orphansOf, ownerLookup } from '../pods/claim.ts'
import { Expectations } from '../pods/expectations.ts'
import { templateHash } from '../pods/template-hash.ts'

/** An owner of revisions: what it was is remembered as its pod template. */
export interface Revisioned extends KubeObject {
  readonly spec: { readonly template: PodTemplateSpec }
}

/** The revision of an owner's present template, and what there is besides. */
export interface PresentRevision {
  readonly current: ControllerRevision
  readonly history: History
  /** How often a name was taken by a stranger; belongs into the owner's status, or the next name is taken, too. */
  readonly collisionCount: number | undefined
}

/** How many names are tried at once; the next reconcile tries more. */
const ATTEMPTS = 5

/** Keeps, as ControllerRevisions, what the templates of a kind's objects have been. */
export class RevisionHistory {
  readonly #revisions: Informer<ControllerRevision>
  readonly #expectations: Expectations
  readonly #tools: ControllerTools
  readonly #hashLabel: string

  /** `hashLabel` carries the short name of the template on each revision. */
  constructor(tools: ControllerTools, hashLabel: string) {
    this.#tools = tools
    this.#hashLabel = hashLabel
    this.#revisions = tools.informers.of('apps/v1', 'ControllerRevision', {}, { owner: ownerLookup })
    this.#expectations = new Expectations(this.#revisions, tools.clock)
  }

  /** Tells the owner's key when a revision of an owner of this kind changes. */
  watch(kind: string, enqueue: (key: string) => void): void {
    this.#revisions.onChange((_key, current, previous) => {
      for (const revision of [current, previous]) {
        const owner = revision && controllerOf(revision)
        if (owner?.kind === kind) enqueue(`${revision?.metadata.namespace}/${owner.name}`)
      }
    })
  }

  /** Whether the cache shows what was written for this owner; if not, the revision's own event brings it back. */
  isCaughtUp(ownerKey: string): boolean {
    return this.#expectations.satisfied(ownerKey)
  }

  forget(ownerKey: string): void {
    this.#expectations.forget(ownerKey)
  }

  /** The revision's short name, as pods carry it. */
  hashOf({ metadata }: ControllerRevision): string {
    return metadata.labels?.[this.#hashLabel] ?? metadata.name ?? ''
  }

  /**
   * Adopts what belongs to the owner, and finds the revision of its present template: the one there is, with the highest number given to
   * it when the template came back, or a new one.
   */
  async present(
    owner: Revisioned,
    selector: LabelSelector,
    freshOwner: () => Promise<KubeObject>,
    collisions: number | undefined,
  ): Promise<PresentRevision> {
    const { client, signal } = this.#tools
    const { cache } = this.#revisions
    const candidates = [
      ...cache.lookup('owner', owner.metadata.uid ?? ''),
      ...cache.lookup('owner', orphansOf(owner.metadata.namespace ?? '')),
    ]
    const mine = await claim(owner, selector, candidates, { client, kind: ['apps/v1', 'ControllerRevision'], freshOwner, signal })
    const history = planHistory(mine, owner.spec.template)
    const { current } = history
    if (!current) return { ...(await this.#create(owner, history.number, collisions)), history }
    if (current.revision === history.number) return { current, history, collisionCount: collisions }
    const renumbered = await client.update('apps/v1', 'ControllerRevision', { ...current, revision: history.number }, { signal })
    this.#expectations.written(objectKey(owner), renumbered)
    return { current: renumbered, history, collisionCount: collisions }
  }

  async delete(revisions: readonly ControllerRevision[]): Promise<void> {
    const { client, signal } = this.#tools
    for (const { metadata } of revisions) {
      const { namespace, name = '', uid } = metadata
      try {
        await client.delete('apps/v1', 'ControllerRevision', { namespace, name }, { preconditions: { uid }, signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound') && !hasReason(error, 'Conflict')) throw error
      }
    }
  }

  async #create(owner: Revisioned, number: number, collisions: number | undefined): Promise<Omit<PresentRevision, 'history'>> {
    const { client, signal } = this.#tools
    const { namespace } = owner.metadata
    const { template } = owner.spec
    let collisionCount = collisions
    for (let attempt = 1; ; attempt++) {
      const hash = templateHash(template, collisionCount ?? 0)
      const name = `${owner.metadata.name}-${hash}`
      const metadata = {
        name,
        labels: { ...template.metadata.labels, [this.#hashLabel]: hash },
        annotations: { ...owner.metadata.annotations },
        ownerReferences: [controllerReference(owner)],
      }
      const data = sortedKeys({ ...templatePatch(template) })
      try {
        const current = await client.create('apps/v1', 'ControllerRevision', { metadata, revision: number, data }, { namespace, signal })
        this.#expectations.written(objectKey(owner), current)
        return { current, collisionCount }
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error
        const found = await client.get('apps/v1', 'ControllerRevision', { namespace, name }, { signal })
        if (isOurs(owner, found) && sameJson(found.data, data)) return { current: found, collisionCount }
        if (attempt === ATTEMPTS) throw new Error(`the names of ${ATTEMPTS} revisions of ${objectKey(owner)} are taken`, { cause: error })
        collisionCount = (collisionCount ?? 0) + 1
      }
    }
  }
}

/**
 * Our own that the cache does not show yet, or one that an owner of our name has left or is about to leave. If it goes with that one, we
 * are told and make it again.
 */
function isOurs(owner: KubeObject, revision: ControllerRevision): boolean {
  const other = controllerOf(revision)
  return !other || (other.kind === owner.kind && other.name === owner.metadata.name)
}

/** Data is compared as text by some clients, which sort their keys. */
function sortedKeys(value: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value, (_key, part: unknown) => (isMap(part) ? sorted(part) : part)))
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sorted(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1)))
}
