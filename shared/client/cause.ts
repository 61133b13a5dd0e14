import { AsyncLocalStorage } from 'node:async_hooks'

/** Why a component writes: which loop of it, and the revision of the store that woke it. */
export interface Cause {
  /** The controller, or the component that has one loop. */
  readonly by: string
  /** Undefined where time and not a change woke it. */
  readonly revision: string | undefined
  /** What it decided, in a sentence. */
  readonly why?: string | undefined
}

/** The header of a write that says so: JSON in ASCII. Whoever gets it takes it for what its sender says, and no more. */
export const CAUSE_HEADER = 'x-coxswain-cause'

/** Characters of a sentence that are sent; heads of requests have bounds. */
const WHY_CHARACTERS = 1_500

const current = new AsyncLocalStorage<Cause | undefined>()

/**
 * Runs work whose writes have this cause; undefined: none that is known. The cause goes along with the work through everything that it awaits, so that no
 * reconcile has to hand it on (decision 45). A queue that is emptied by one loop says for each piece itself whose it is.
 */
export function becauseOf<T>(cause: Cause | undefined, work: () => T): T {
  return current.run(cause, work)
}

/** The cause of the work that is going on. */
export function currentCause(): Cause | undefined {
  return current.getStore()
}

/** The header's value for what is written now. */
export function causeHeader(): string | undefined {
  const cause = current.getStore()
  if (!cause) return undefined
  const { by, revision, why } = cause
  const text = JSON.stringify({ by, revision, why: why?.slice(0, WHY_CHARACTERS) })
  return text.replaceAll(/[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
