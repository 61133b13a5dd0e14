import type { WriteRequest } from '../registry/write-request.ts'
import type { Change } from '../storage/storage.ts'
import type { Told } from '../watch/telling-count.ts'
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

/** What a deed costs besides its texts. */
const DEED_BYTES = 300

/**
 * The newest changes and how they came about, in a bounded number of bytes: the oldest go first. Nothing here is stored; a server that was started
 * again knows of what came since. Every write adds one and few are looked at: so there is no index, whoever looks makes his own (`chainOf`).
 */
export class Deeds {
  readonly #most: number
  /** By revision; those before `#head` are forgotten. */
  readonly #deeds: (Deed | undefined)[] = []
  #head = 0
  #bytes = 0
  readonly #followers = new Set<(deed: Deed) => void>()

  /** @param most bytes; 0: nothing is remembered */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#deeds.length - this.#head
  }

  get bytes(): number {
    return this.#bytes
  }

  /** By revision. */
  all(): readonly Deed[] {
    return this.#deeds.slice(this.#head) as Deed[]
  }

  add(
    { origin, user, author, subresource }: Pick<WriteRequest, 'origin' | 'user' | 'author' | 'subresource'>,
    { revision, key, time }: Pick<Change, 'revision' | 'key' | 'time'>,
  ): void {
    if (this.#most === 0) return
    const verb = subresource === '' ? (origin?.verb ?? 'write') : `${origin?.verb ?? 'write'} ${subresource}`
    const said = boundedHeader(origin?.cause)
    const causeRevision = revisionIn(said)
    const manager = origin === undefined ? '' : (author?.manager ?? '')
    const allowedBy = origin?.allowedBy ?? ''
    const deed: Deed = { revision, key, time, verb, user: user.name, manager, allowedBy, said, causeRevision, told: undefined }
    this.#keep(deed)
    for (const follower of this.#followers) follower(deed)
    this.#bytes += bytesOf(deed)
    while (this.#bytes > this.#most) this.#forgetOldest()
    if (this.#head > 1024 && this.#head * 2 > this.#deeds.length) {
      this.#deeds.splice(0, this.#head)
      this.#head = 0
    }
  }

  tell(revision: number, told: Told): void {
    const deed = this.get(revision)
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
    const at = this.#placeOf(revision)
    return this.#deeds[at]?.revision === revision ? this.#deeds[at] : undefined
  }

  /** Answers of a store that several servers write to may come in another order than its revisions. */
  #keep(deed: Deed): void {
    const last = this.#deeds.at(-1)
    if (last === undefined || last.revision < deed.revision) this.#deeds.push(deed)
    else this.#deeds.splice(this.#placeOf(deed.revision), 0, deed)
  }

  /** Where the first deed is whose revision is not lower. */
  #placeOf(revision: number): number {
    let [low, high] = [this.#head, this.#deeds.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#deeds[middle]!.revision < revision) low = middle + 1
      else high = middle
    }
    return low
  }

  #forgetOldest(): void {
    this.#bytes -= bytesOf(this.#deeds[this.#head]!)
    this.#deeds[this.#head++] = undefined
  }
}

function bytesOf({ key, user, manager, allowedBy, said }: Deed): number {
  // Names and reasons are mostly the same texts, but who writes is a stranger.
  return DEED_BYTES + 2 * (key.length + user.length + manager.length + allowedBy.length + (said?.length ?? 0))
}
