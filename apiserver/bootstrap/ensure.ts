import type { ApiVersion, DeepPartial, KindOf, ObjectOf } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import type { ObjectRemover } from '../registry/deletion.ts'
import type { ResourceTable } from '../registry/resource-table.ts'
import { decodeObject } from '../registry/schema-check.ts'
import type { ObjectWriter } from '../registry/write-object.ts'
import type { WriteRequest } from '../registry/write-request.ts'

/** An object that must exist, as it would be sent by its creator. */
export interface RequiredObject {
  readonly object: KubeObject
  /**
   * What to do about one that exists: `keep` leaves it as people made it; a function is asked for the object as it should
   * be (a changed copy), undefined when the present one will do, or `remake` when no update can make it so.
   */
  readonly existing: 'keep' | ((present: KubeObject) => KubeObject | 'remake' | undefined)
}

/** Declares a required object; when it exists it is kept as it is, unless `repair` says otherwise. */
export function required<V extends ApiVersion, K extends KindOf<V>>(
  apiVersion: V,
  kind: K,
  content: { metadata: KubeObject['metadata'] } & DeepPartial<Omit<ObjectOf<V, K>, 'metadata' | 'apiVersion' | 'kind'>>,
  repair?: (present: ObjectOf<V, K>) => ObjectOf<V, K> | 'remake' | undefined,
): RequiredObject {
  return {
    object: { apiVersion, kind, ...content },
    // The registry asks about the object of this very key, so its kind is the declared one.
    existing: repair ? (present) => repair(present as ObjectOf<V, K>) : 'keep',
  }
}

/** What the API server writes as: no policy can be in its way. */
export const SELF: User = { name: systemUser.apiserver, groups: [systemGroup.masters, systemGroup.authenticated] }

/** How often something is tried that another server makes, repairs or removes in the same moment, and how long in between: 50 ms, 100, … */
const ATTEMPTS = 8
const PAUSE_MILLISECONDS = 50
/** Two that make, or remake, are in each other's way: one finds it gone, there again, changed, or its address just given to the other's. */
const RACES = ['NotFound', 'AlreadyExists', 'Conflict', 'Invalid'] as const

export interface EnsureTools {
  readonly clock: Clock
  readonly writer: ObjectWriter
  readonly remover: ObjectRemover
  readonly table: ResourceTable
}

export interface UnwantedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  readonly resourceVersion?: string | undefined
}

/** A delete that waits for nobody. */
const AT_ONCE = {
  gracePeriodSeconds: 0,
  propagation: 'Background',
  orphanDependents: undefined,
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
} as const

/** Removes an object that is not wanted, at once; with a resourceVersion only as it was then. One that is gone is fine, and so is a kind that is not served. */
export async function removeUnwanted(
  { apiVersion, kind, namespace = '', name, resourceVersion }: UnwantedObject,
  { table, remover }: Pick<EnsureTools, 'table' | 'remover'>,
): Promise<void> {
  const resource = table.ofKind(apiVersion, kind)
  if (!resource) return
  const request: WriteRequest = { resource, namespace, name, subresource: '', user: SELF, dryRun: false, warn() {} }
  await remover.delete(request, { ...AT_ONCE, resourceVersion }).catch((error: unknown) => {
    if (!hasReason(error, 'NotFound')) throw error
  })
}

/**
 * Creates what is missing and repairs what should be. Each group is written at once (the store commits them together) and
 * before the next, because objects need their namespaces. Kinds that are not served are left out.
 * Other servers may do the same at the same time: whoever is second looks again. @throws StatusError when an object is refused, which is a defect of this room
 */
export async function ensureAll(groups: readonly (readonly RequiredObject[])[], tools: EnsureTools): Promise<void> {
  const { writer, remover, table, clock } = tools
  const ensure = async ({ object, existing }: RequiredObject) => {
    const resource = table.ofKind(object.apiVersion, object.kind)
    if (!resource) return
    const { namespace = '', name = '' } = object.metadata
    const request: WriteRequest = { resource, namespace, name, subresource: '', user: SELF, dryRun: false, warn() {} }
    const create = () => {
      const decoded = decodeObject(object.apiVersion, object.kind, structuredClone(object), { fieldValidation: 'Strict' })
      return writer.create({ ...request, name: '' }, decoded)
    }
    try {
      await create()
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
      if (existing === 'keep') return
      let isWrong = false
      await writer.update(request, { kind: 'main' }, (present) => {
        const repaired = existing(present)
        isWrong = repaired === 'remake'
        return structuredClone(repaired === 'remake' ? present : (repaired ?? present))
      })
      if (!isWrong) return
      // A crash between the two is repaired by the next start: then it is missing.
      await remover.delete(request, AT_ONCE)
      await create()
    }
  }
  const ensureBesideOthers = async (wanted: RequiredObject) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ensure(wanted)
      } catch (error) {
        if (attempt === ATTEMPTS || !RACES.some((reason) => hasReason(error, reason))) throw error
        await clock.sleep(PAUSE_MILLISECONDS * attempt)
      }
    }
  }
  for (const group of groups) await Promise.all(group.map(ensureBesideOthers))
}
