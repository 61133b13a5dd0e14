import type { ObjectFacts } from '../registry/object-facts.ts'
import type { WriteRequest } from '../registry/write-request.ts'
import type { Change } from '../storage/storage.ts'
import type { Told } from '../watch/telling-count.ts'
import { RevisionLists } from './revision-lists.ts'
import { boundedHeader, revisionIn } from './said-cause.ts'

/** A change, and what is known of how it came about. */
export interface Deed {
  readonly revision: number
  readonly key: string
  /** Wall time in milliseconds. */
  readonly time: number
  readonly verb: string
  readonly user: string
  /** The field manager; empty for the server itself. */
  readonly manager: string
  /** What the authoriser said; empty for what the server wrote itself. */
  readonly allowedBy: string
  /** What the sender says made it write, as it was sent: read when somebody looks (`saidCause`). */
  readonly said: string | undefined
  /** The revision in it. */
  readonly causeRevision: number | undefined
  /** Who was told of it, as soon as somebody was. */
  told: Told | undefined
}

/** What a deed costs besides its texts, with its places in the indexes. */
const DEED_BYTES = 600

/**
 * The newest changes and how they came about, in a bounded number of bytes: the oldest go first. Nothing here is stored; a server that was started
 * again knows of what came since.
 */
export class Deeds {
  readonly #most: number
  readonly #deeds = new Map<number, Deed>()
  readonly #ofKey = new RevisionLists<string>()
  /** What each revision made somebody do. */
  readonly #effects = new RevisionLists<number>()
  readonly #followers = new Set<(deed: Deed) => void>()
  /** Revisions as they came, the first of those that are left at `#head`: a Map that loses its first entries finds the next ever more slowly. */
  readonly #order: number[] = []
  #head = 0
  #bytes = 0

  /** @param most bytes; 0: nothing is remembered */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#deeds.size
  }

  get bytes(): number {
    return this.#bytes
  }

  add({ origin, user, author, subresource }: WriteRequest, { revision, key, time }: Change<ObjectFacts>): void {
    if (this.#most === 0) return
    const verb = subresource === '' ? (origin?.verb ?? 'write') : `${origin?.verb ?? 'write'} ${subresource}`
    const said = boundedHeader(origin?.cause)
    const causeRevision = revisionIn(said)
    const manager = origin === undefined ? '' : (author?.manager ?? '')
    const allowedBy = origin?.allowedBy ?? ''
    const deed: Deed = { revision, key, time, verb, user: user.name, manager, allowedBy, said, causeRevision, told: undefined }
    this.#deeds.set(revision, deed)
    this.#ofKey.add(key, revision)
    if (causeRevision !== undefined) this.#effects.add(causeRevision, revision)
    for (const follower of this.#followers) follower(deed)
    this.#bytes += bytesOf(deed)
    this.#order.push(revision)
    while (this.#bytes > this.#most) this.#forget(this.#deeds.get(this.#order[this.#head++]!)!)
    if (this.#head > 1024 && this.#head * 2 > this.#order.length) {
      this.#order.splice(0, this.#head)
      this.#head = 0
    }
  }

  tell(revision: number, told: Told): void {
    const deed = this.#deeds.get(revision)
    if (deed) deed.told = told
  }

  /** Calls back with each deed from now on. Returns the unsubscriber. */
  follow(follower: (deed: Deed) => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  get followers(): number {
    return this.#followers.size
  }

  get(revision: number): Deed | undefined {
    return this.#deeds.get(revision)
  }

  ofKey(key: string): readonly number[] {
    return this.#ofKey.of(key)
  }

  effectsOf(revision: number): readonly number[] {
    return this.#effects.of(revision)
  }

  /** The oldest of all, so that it is the first in each of its lists. */
  #forget(deed: Deed): void {
    const { revision, key, causeRevision } = deed
    this.#deeds.delete(revision)
    this.#bytes -= bytesOf(deed)
    this.#ofKey.dropFirst(key)
    if (causeRevision !== undefined) this.#effects.dropFirst(causeRevision)
  }
}

function bytesOf({ key, user, manager, allowedBy, said }: Deed): number {
  // Names and reasons are mostly the same texts, but who writes is a stranger.
  return DEED_BYTES + 2 * (key.length + user.length + manager.length + allowedBy.length + (said?.length ?? 0))
}
