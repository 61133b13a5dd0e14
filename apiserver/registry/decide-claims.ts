import { hasReason, StatusError } from '../../shared/errors/status-error.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import { type ClaimChanges, ClaimsTaken, type Holding, TooManyClaims } from '../storage/claims.ts'
import { resourcePrefix } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'
import type { ResourceHooks } from './define-resource.ts'
import type { ObjectFacts } from './object-facts.ts'
import type { StoredObjects } from './stored-objects.ts'

/** How often another number is tried where other servers were faster. */
const ATTEMPTS = 16

interface Tools {
  readonly storage: Storage<ObjectFacts>
  readonly objects: StoredObjects
}

interface Wish {
  readonly key: string
  readonly hooks: ResourceHooks<KubeObject>
  /** Gets in `attempt` what it did not ask for by name, and loses it again where that is another's. */
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

/** Answers what the object's write takes and gives back, once memory has given it its numbers. */
export type ClaimsOf = () => ClaimChanges

/** Undefined: memory's word is the last. */
type Attempt<T> = (claims: ClaimsOf | undefined) => Promise<T>

/**
 * Runs the attempt to store an object of which the store has to decide something. When another server has it, the attempt is made again with what is
 * known by then: another number is picked, or one that was asked for by name is refused as always. Also a refusal is looked at once more, for what was
 * in the way may be gone. @throws StatusError ServiceUnavailable when others were faster every time, RequestEntityTooLarge, and what `attempt` throws
 */
export function decideClaims<T>(tools: Tools, wish: Wish, attempt: Attempt<T>): Promise<T> {
  return tools.storage.claims && wish.hooks.claims ? decided(tools, wish, attempt) : attempt(undefined)
}

async function decided<T>(tools: Tools, wish: Wish, attempt: Attempt<T>): Promise<T> {
  const { object } = wish
  const asked = structuredClone(object)
  let held: ReadonlyMap<string, Holding> = new Map()
  let isUpToDate = false
  for (let round = 1; ; round++) {
    try {
      return await attempt(() => changesOf(tools, wish, held))
    } catch (error) {
      if (error instanceof TooManyClaims) throw tooMany(error)
      const isTaken = error instanceof ClaimsTaken
      if (!isTaken && (isUpToDate || !hasReason(error, 'Invalid'))) throw error
      if (round === ATTEMPTS) throw alwaysTaken(error)
      await tools.objects.upToDate()
      isUpToDate = true
      if (isTaken) held = error.holdings
      Object.assign(object, structuredClone(asked))
    }
  }
}

/** What goes with an object that is removed. */
export function releasedWith(storage: Storage<ObjectFacts>, hooks: ResourceHooks<KubeObject>, last: KubeObject): ClaimChanges | undefined {
  return storage.claims && hooks.claims ? { take: [], release: unique(hooks.claims(last)) } : undefined
}

function changesOf(tools: Tools, { key, hooks, object, previous }: Wish, held: ReadonlyMap<string, Holding>): ClaimChanges {
  const claimsOf = (each: KubeObject | undefined) => unique(each ? hooks.claims!(each) : [])
  const [after, before] = [claimsOf(object), claimsOf(previous)]
  const mayTake = ({ holder }: Holding, name: string) => {
    if (hooks.yieldsClaims || holder === key) return true
    const entry = tools.storage.get(holder)
    if (entry === undefined) return true
    return resourcePrefix(holder) === resourcePrefix(key) && !hooks.claims!(tools.objects.objectOf(entry)).includes(name)
  }
  const take = after
    .filter((name) => !before.includes(name))
    .map((name) => {
      // Memory knows the holder by now, and gave it all the same: it is nobody's any more, or may be had.
      const holding = held.get(name)
      return { name, from: holding && mayTake(holding, name) ? holding : undefined }
    })
  return { take, release: before.filter((name) => !after.includes(name)) }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}

function tooMany(error: TooManyClaims): StatusError {
  const { count, most } = error
  const message = `the object takes ${count} numbers and addresses, and ${most} can be given in one step: add its ports in several`
  return new StatusError('RequestEntityTooLarge', message, { cause: error })
}

function alwaysTaken(cause: unknown): StatusError {
  const message = `other API servers gave each of ${ATTEMPTS} numbers or addresses first; please try again`
  return new StatusError('ServiceUnavailable', message, { cause, details: { retryAfterSeconds: 1 } })
}
