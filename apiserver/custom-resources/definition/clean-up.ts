import { hasReason } from '../../../shared/errors/status-error.ts'
import type { User } from '../../authn/user.ts'
import { deleteOptions } from '../../registry/delete-options.ts'
import type { ObjectRemover } from '../../registry/deletion.ts'
import type { ObjectFacts } from '../../registry/object-facts.ts'
import type { Resource } from '../../registry/resource-table.ts'
import type { Storage } from '../../storage/storage.ts'

/** `held`: somebody's finalizers keep objects; their keepers have been told. */
export type Emptied = 'empty' | 'held'

/** Deletes that are under way at once, so that they share syncs of the store. */
const AT_ONCE = 64

/** Deletes every object of a kind, as its users would. */
export async function cleanUp(
  resource: Resource,
  { storage, remover, user }: { storage: Storage<ObjectFacts>; remover: ObjectRemover; user: User },
): Promise<Emptied> {
  const options = { ...deleteOptions(undefined, new URLSearchParams()), gracePeriodSeconds: 0 }
  const { entries } = storage.page(resource.prefix, {})
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    await Promise.all(
      entries.slice(at, at + AT_ONCE).map(async ({ facts: { namespace, name } }) => {
        try {
          await remover.delete({ resource, namespace, name, subresource: '', user, dryRun: false, warn() {} }, options)
        } catch (error) {
          if (!hasReason(error, 'NotFound')) throw error
        }
      }),
    )
  }
  return storage.count(resource.prefix) === 0 ? 'empty' : 'held'
}
