import type { ApiVersion, DeepPartial, KindOf, ObjectOf } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { systemGroup, systemUser } from '../authn/system-names.ts'
import type { User } from '../authn/user.ts'
import type { ResourceTable } from '../registry/resource-table.ts'
import { decodeObject } from '../registry/schema-check.ts'
import type { ObjectWriter, WriteRequest } from '../registry/write-object.ts'

/** An object that must exist, as it would be sent by its creator. */
export interface RequiredObject {
  readonly object: KubeObject
  /**
   * What to do about one that exists: `keep` leaves it as people made it; a function is asked for the object as it should
   * be (a changed copy), or undefined when the present one will do.
   */
  readonly existing: 'keep' | ((present: KubeObject) => KubeObject | undefined)
}

/** Declares a required object; when it exists it is kept as it is, unless `repair` says otherwise. */
export function required<V extends ApiVersion, K extends KindOf<V>>(
  apiVersion: V,
  kind: K,
  content: { metadata: KubeObject['metadata'] } & DeepPartial<Omit<ObjectOf<V, K>, 'metadata' | 'apiVersion' | 'kind'>>,
  repair?: (present: ObjectOf<V, K>) => ObjectOf<V, K> | undefined,
): RequiredObject {
  return {
    object: { apiVersion, kind, ...content },
    // The registry asks about the object of this very key, so its kind is the declared one.
    existing: repair ? (present) => repair(present as ObjectOf<V, K>) : 'keep',
  }
}

/** What the API server writes as: no policy can be in its way. */
const SELF: User = { name: systemUser.apiserver, groups: [systemGroup.masters, systemGroup.authenticated] }

/**
 * Creates what is missing and repairs what should be. Each group is written at once (the store commits them together) and
 * before the next, because objects need their namespaces. Kinds that are not served are left out.
 * @throws StatusError when an object is refused, which is a defect of this room
 */
export async function ensureAll(
  groups: readonly (readonly RequiredObject[])[],
  { writer, table }: { writer: ObjectWriter; table: ResourceTable },
): Promise<void> {
  const ensure = async ({ object, existing }: RequiredObject) => {
    const resource = table.ofKind(object.apiVersion, object.kind)
    if (!resource) return
    const { namespace = '', name = '' } = object.metadata
    const request: WriteRequest = { resource, namespace, name, subresource: '', user: SELF, dryRun: false, warn() {} }
    try {
      const decoded = decodeObject(object.apiVersion, object.kind, structuredClone(object), { fieldValidation: 'Strict' })
      await writer.create({ ...request, name: '' }, decoded)
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error
      if (existing !== 'keep') await writer.update(request, { kind: 'main' }, (present) => structuredClone(existing(present) ?? present))
    }
  }
  for (const group of groups) await Promise.all(group.map(ensure))
}
