import { resourcePrefix } from './keys.ts'
import { type Overlay, overlayOf, type PastState } from './past-state.ts'
import type { RecentChanges } from './recent-changes.ts'
import type { Reference, RevisionLog } from './revision-log.ts'

/** Changes of the log that are gone through in one piece. */
const STEP = 5_000
/** Keys that changed since some moment, over all moments that are kept; what each takes is about 250 bytes. */
const MOST_KEYS = 100_000

/** What is different at a moment, by resource, up to `position`. Where states lie is kept, not what they are. */
interface Known<F> {
  readonly byResource: Map<string, Map<string, PastState<F>>>
  position: number
  keys: number
}

export interface PastOverlaysParts<F> {
  readonly log: Pick<RevisionLog<F>, 'touches'>
  readonly recent: RecentChanges<F>
  /** The newest revision of the present. */
  readonly newest: () => number
}

/**
 * The differences between the present and moments that lie further back than memory. Who looks at a moment asks for many things of it, so what was found is
 * kept for the next question, and only what came since is added: the first change after a moment says what a key was. One goes through the log at a time.
 */
export class PastOverlays<F> {
  readonly #parts: PastOverlaysParts<F>
  readonly #known = new Map<number, Known<F>>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(parts: PastOverlaysParts<F>) {
    this.#parts = parts
  }

  /** When it resolves, in the same turn of the loop, the overlay fits the present. */
  async at(revision: number, prefix: string): Promise<Overlay<F>> {
    const known = this.#known.get(revision) ?? { byResource: new Map(), position: revision, keys: 0 }
    const { recent } = this.#parts
    this.#known.set(revision, known)
    while (!recent.covers(known.position)) await this.#inTurn(() => this.#extend(known))
    this.#keep(revision, known)
    const overlay = new Map<string, PastState<F>>()
    for (const [resource, states] of known.byResource) {
      if (!prefix.startsWith(resource) && !resource.startsWith(prefix)) continue
      for (const [key, state] of states) if (key.startsWith(prefix)) overlay.set(key, state)
    }
    for (const [key, state] of overlayOf(recent.after(known.position), prefix)) if (!overlay.has(key)) overlay.set(key, state)
    return overlay
  }

  /** Nothing before the revision is asked for any more. */
  forget(revision: number): void {
    for (const moment of this.#known.keys()) if (moment < revision) this.#known.delete(moment)
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(action)
    this.#turn = done.catch(() => {}) // told to who asked; the next one has a turn all the same
    return done
  }

  async #extend(known: Known<F>): Promise<void> {
    const { log, recent, newest } = this.#parts
    // Another question about the moment may have come here first.
    if (recent.covers(known.position)) return
    const to = Math.min(known.position + STEP, newest())
    for await (const { key, previous } of log.touches(known.position, to)) this.#add(known, key, previous)
    known.position = to
  }

  #add(known: Known<F>, key: string, previous: Reference | undefined): void {
    const resource = resourcePrefix(key)
    let states = known.byResource.get(resource)
    if (!states) known.byResource.set(resource, (states = new Map()))
    if (states.has(key)) return
    states.set(key, previous && { key, reference: referenceOf(previous) })
    known.keys++
  }

  #keep(revision: number, known: Known<F>): void {
    this.#known.delete(revision)
    if (known.keys > MOST_KEYS) return
    let keys = known.keys
    for (const each of this.#known.values()) keys += each.keys
    for (const [oldest, each] of this.#known) {
      if (keys <= MOST_KEYS) break
      this.#known.delete(oldest)
      keys -= each.keys
    }
    this.#known.set(revision, known)
  }
}

/** A driver may hand out whole entries: their values are not kept. */
function referenceOf({ revision, createRevision, check }: Reference): Reference {
  return check === undefined ? { revision, createRevision } : { revision, createRevision, check }
}
