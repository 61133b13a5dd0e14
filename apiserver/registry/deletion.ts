import { conflict, notFound } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { parseTimestamp, timestamp } from '../../shared/time/timestamp.ts'
import { type Storage, StorageConflict } from '../storage/storage.ts'
import type { DeleteOptions } from './delete-options.ts'
import { encodeObject } from './encode-object.ts'
import type { ObjectFacts, StoredEntry } from './object-facts.ts'
import { storageKey } from './read-object.ts'
import type { Resource } from './resource-table.ts'
import { upToDate } from './store-unavailable.ts'
import type { StoredObjects } from './stored-objects.ts'
import type { ObjectWriter } from './write-object.ts'
import type { WriteRequest } from './write-request.ts'

const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'

/** How a delete ended: the object is gone, or it is marked and something (a finalizer, a grace period) still keeps it. */
export interface Deleted {
  readonly gone: boolean
  /** The last state, or the marked one. */
  readonly object: KubeObject
  readonly value: Buffer
}

/**
 * Deletion as upstream's generic store does it: mark with a timestamp and a grace period where the kind is graceful or a
 * finalizer holds the object, remove it otherwise; a second delete can only shorten the grace period.
 */
export class ObjectRemover {
  readonly #storage: Storage<ObjectFacts>
  readonly #objects: StoredObjects
  readonly #writer: ObjectWriter
  readonly #now: () => number

  constructor(storage: Storage<ObjectFacts>, objects: StoredObjects, writer: ObjectWriter, now: () => number) {
    this.#storage = storage
    this.#objects = objects
    this.#writer = writer
    this.#now = now
  }

  /** @throws StatusError NotFound, Conflict when a precondition fails, Forbidden */
  async delete(request: WriteRequest, options: DeleteOptions): Promise<Deleted> {
    const { resource, namespace, name } = request
    const key = storageKey(resource, namespace, name)
    // What another server has stored counts too.
    await upToDate(this.#storage)
    for (let admitted = false; ; ) {
      const entry = this.#storage.get(key)
      if (!entry) throw notFound(resource.named, name)
      const object = this.#objects.objectOf(entry)
      checkPreconditions(resource, object, options)
      if (!admitted) {
        resource.definition.hooks.mayDelete?.(object, this.#writer.contextOf(request))
        await this.#writer.admitOther('DELETE', request, undefined, object)
        admitted = true
        if (this.#storage.get(key) !== entry) continue
      }
      try {
        return await this.#deleteEntry(request, entry, object, options)
      } catch (error) {
        if (!(error instanceof StorageConflict)) throw error
      }
    }
  }

  async #deleteEntry(request: WriteRequest, entry: StoredEntry, object: KubeObject, options: DeleteOptions): Promise<Deleted> {
    const { resource } = request
    const plan = planDeletion(resource, object, options, this.#now())
    if (plan.marked) {
      const value = plan.changed ? await this.#writer.replace(request, entry, plan.marked) : entry.value
      return { gone: false, object: plan.marked, value }
    }
    await this.#writer.remove(request, entry, plan.last)
    return { gone: true, object: plan.last, value: encodeObject(plan.last)(entry.revision) }
  }
}

type DeletionPlan = { readonly marked: KubeObject; readonly changed: boolean } | { readonly marked?: undefined; readonly last: KubeObject }

/** What a delete of this object comes to. Pure. */
export function planDeletion(resource: Resource, object: KubeObject, options: DeleteOptions, now: number): DeletionPlan {
  const { hooks } = resource.definition
  const next = structuredClone(object)
  const { metadata } = next
  const isGraceful = hooks.gracePeriodSeconds !== undefined
  const grace = isGraceful ? Math.max(0, hooks.gracePeriodSeconds!(object, options.gracePeriodSeconds)) : 0
  const marked = parseTimestamp(metadata.deletionTimestamp)
  let isShortened = false
  if (marked !== undefined && isGraceful) {
    const current = metadata.deletionGracePeriodSeconds ?? 0
    // Only an explicit, shorter period changes a deletion that is under way.
    if (options.gracePeriodSeconds === undefined ? current > 0 : grace >= current && current > 0) return { marked: object, changed: false }
    if (grace < current) {
      metadata.deletionTimestamp = timestamp(marked - (current - grace) * 1000)
      metadata.deletionGracePeriodSeconds = grace
      isShortened = true
    }
  }
  const finalizers = finalizersAfter(metadata.finalizers ?? [], withDefault(options, hooks.defaultPropagation, metadata.finalizers))
  const finalizersChanged = finalizers.join() !== (metadata.finalizers ?? []).join()
  metadata.finalizers = finalizers.length > 0 ? finalizers : undefined
  const isHeld = finalizers.length > 0 || hooks.holdsDeletion?.(object) === true
  if (marked === undefined) {
    metadata.deletionTimestamp = timestamp(now + grace * 1000)
    metadata.deletionGracePeriodSeconds = grace
    if (metadata.generation !== undefined) metadata.generation++
    hooks.prepareForDelete?.(next)
  }
  if (!isHeld && grace === 0) return { last: isGraceful ? next : object }
  return { marked: next, changed: marked === undefined || isShortened || finalizersChanged }
}

/** A kind's own policy holds where neither the delete nor an earlier one said anything. */
function withDefault(options: DeleteOptions, policy: 'Orphan' | undefined, finalizers: readonly string[] = []): DeleteOptions {
  const isSaid = options.propagation !== undefined || options.orphanDependents !== undefined
  if (isSaid || policy === undefined || finalizers.includes(ORPHAN) || finalizers.includes(FOREGROUND)) return options
  return { ...options, propagation: policy }
}

/** The propagation policy lives on as a finalizer, which the garbage collector acts on and removes. */
function finalizersAfter(current: readonly string[], options: DeleteOptions): string[] {
  const isOrphan = wishes(options, 'Orphan', current.includes(ORPHAN))
  const isForeground = options.orphanDependents === undefined && wishes(options, 'Foreground', current.includes(FOREGROUND))
  const others = current.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND)
  return [...others, ...(isOrphan ? [ORPHAN] : []), ...(isForeground ? [FOREGROUND] : [])]
}

function wishes(options: DeleteOptions, policy: 'Orphan' | 'Foreground', already: boolean): boolean {
  if (policy === 'Orphan' && options.orphanDependents !== undefined) return options.orphanDependents
  return options.propagation === undefined ? already : options.propagation === policy
}

function checkPreconditions(resource: Resource, object: KubeObject, options: DeleteOptions): void {
  const { name = '', uid, resourceVersion } = object.metadata
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(resource.named, name, `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid}`)
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
    throw conflict(resource.named, name, why)
  }
}
