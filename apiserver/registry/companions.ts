import { alreadyExists } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { Storage, Write } from '../storage/storage.ts'
import type { ResourceHooks } from './define-resource.ts'
import { encodeObject } from './encode-object.ts'
import { factsOf, type ObjectFacts } from './object-facts.ts'
import { stampNewObject } from './object-metadata.ts'
import { storageKey } from './read-object.ts'
import type { Resource } from './resource-table.ts'
import { sameValue } from './same-value.ts'
import type { StoredObjects } from './stored-objects.ts'

export interface CompanionTools {
  readonly storage: Storage<ObjectFacts>
  readonly objects: StoredObjects
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export interface CompanionChange {
  readonly hooks: ResourceHooks<KubeObject>
  /** Undefined when the object is removed. */
  readonly next: KubeObject | undefined
  /** Undefined for a new one. */
  readonly previous: KubeObject | undefined
}

export interface CompanionWrites {
  readonly made: readonly Write<ObjectFacts>[]
  readonly removed: readonly Write<ObjectFacts>[]
}

/**
 * What has to be written beside an object, for those that come and go with it (`companions` of its kind). The writes are begun in the turn in
 * which they were asked for, so that nothing comes between. One that is there already and says the same is left; one that says something else is
 * somebody else's. @throws StatusError AlreadyExists
 */
export function companionWrites({ hooks, next, previous }: CompanionChange, tools: CompanionTools): CompanionWrites {
  if (!hooks.companions) return { made: [], removed: [] }
  const before = previous ? hooks.companions(previous) : []
  const after = next ? hooks.companions(next) : []
  const has = (list: readonly KubeObject[], object: KubeObject) => list.some((each) => isSameName(each, object))
  return {
    made: after.filter((object) => !has(before, object)).flatMap((object) => making(object, tools)),
    removed: before.filter((object) => !has(after, object)).flatMap((object) => removing(object, tools)),
  }
}

function making(object: KubeObject, tools: CompanionTools): Write<ObjectFacts>[] {
  const [resource, key] = placeOf(object, tools)
  const present = tools.storage.newest(key)
  if (present) {
    if (saysSame(tools.objects.objectOf(present), object)) return []
    throw alreadyExists(resource.named, object.metadata.name ?? '')
  }
  stampNewObject(resource, object, tools.random, tools.clock.now())
  return [{ key, type: 'put', encode: encodeObject(object), expect: 0, durability: 'synced', facts: factsOf(resource, object) }]
}

/** One that finalizers hold is left: whoever repairs has it deleted as people would. */
function removing(object: KubeObject, tools: CompanionTools): Write<ObjectFacts>[] {
  const [, key] = placeOf(object, tools)
  const entry = tools.storage.newest(key)
  const present = entry && tools.objects.objectOf(entry)
  if (!entry || !present || !saysSame(present, object) || (present.metadata.finalizers?.length ?? 0) > 0) return []
  return [{ key, type: 'delete', expect: entry.revision, durability: 'synced' }]
}

function placeOf({ apiVersion, kind, metadata }: KubeObject, { objects }: CompanionTools): [Resource, string] {
  const resource = objects.resourceOf(apiVersion, kind)
  return [resource, storageKey(resource, metadata.namespace ?? '', metadata.name ?? '')]
}

function isSameName(one: KubeObject, other: KubeObject): boolean {
  return one.kind === other.kind && one.metadata.name === other.metadata.name && one.metadata.namespace === other.metadata.namespace
}

function saysSame({ metadata: _one, ...present }: KubeObject, { metadata: _other, ...wanted }: KubeObject): boolean {
  return sameValue(present, wanted)
}
