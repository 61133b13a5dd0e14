import { hasReason } from '../../shared/errors/status-error.ts'
import type { Storage } from '../storage/storage.ts'
import type { ObjectFacts } from './object-facts.ts'
import type { StoredObjects } from './stored-objects.ts'

/** Refusals that rest on other objects: a namespace, an account or a class that is not there, a quota that is used up, a policy that is gone. */
const BY_OTHERS = ['NotFound', 'Forbidden', 'Invalid'] as const

/**
 * Attempts to make something of what was sent. What is refused for what other servers had stored or removed by then, and this one had not heard of, is
 * attempted once more, from what was sent. With one server there is nothing to hear of.
 */
export function lookAgain<S, T>(
  { storage, objects }: { readonly storage: Storage<ObjectFacts>; readonly objects: StoredObjects },
  given: S,
  attempt: (given: S) => Promise<T>,
): Promise<T> {
  if (!storage.claims) return attempt(given)
  const sent = structuredClone(given)
  const known = storage.revision
  return attempt(given).catch(async (error: unknown) => {
    if (!BY_OTHERS.some((reason) => hasReason(error, reason))) throw error
    await objects.upToDate()
    if (storage.revision === known) throw error
    return attempt(sent)
  })
}
